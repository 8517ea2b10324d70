import type { PowerShell } from './powershell.ts';
import type { HostState } from './state.ts';

/*
 * The shells of the account, with what WinRM allows it: so many shells, so many operations at once in all of
 * them, and no shell without a request for longer than its client said.
 */

export interface Shell {
  readonly id: string;
  /** The client's IdleTimeOut. */
  readonly idleMs: number;
  command?: { readonly id: string; readonly process: PowerShell };
}

export interface Shells {
  readonly open: ReadonlyMap<string, Shell>;
  /** `undefined` where MaxShellsPerUser is reached. */
  add(shell: Shell): Shell | undefined;
  /** Ends the shell with its process. */
  remove(id: string): void;
  /** Does the work of a request, during which the shell is not idle. */
  during<T>(shell: Shell, work: () => Promise<T>): Promise<T>;
  /** Whether MaxConcurrentOperationsPerUser is reached: a command is one until its shell ends. */
  areOperationsTaken(): boolean;
  /** In place of the IdleTimeOut that clients give, so that a test need not wait for it. */
  idleAfter(ms: number): void;
}

export function createShells({ limits }: Pick<HostState, 'limits'>): Shells {
  const open = new Map<string, Shell>();
  const requests = new Map<string, number>();
  const timers = new Map<string, NodeJS.Timeout>();
  let idleMs: number | undefined;

  const remove = (id: string): void => {
    clearTimeout(timers.get(id));
    open.get(id)?.command?.process.kill();
    open.delete(id);
  };
  const rest = (shell: Shell): void => {
    clearTimeout(timers.get(shell.id));
    if (!open.has(shell.id) || (requests.get(shell.id) ?? 0) > 0) return;
    const timer = setTimeout(() => remove(shell.id), idleMs ?? shell.idleMs);
    timers.set(shell.id, timer.unref());
  };
  const count = (shell: Shell, more: number): void =>
    void requests.set(shell.id, (requests.get(shell.id) ?? 0) + more);

  return {
    open,
    add(shell) {
      if (open.size >= limits.shellsPerUser) return undefined;
      open.set(shell.id, shell);
      rest(shell);
      return shell;
    },
    remove,
    async during(shell, work) {
      clearTimeout(timers.get(shell.id));
      count(shell, 1);
      try {
        return await work();
      } finally {
        count(shell, -1);
        rest(shell);
      }
    },
    areOperationsTaken() {
      const commands = [...open.values()].filter(({ command }) => command !== undefined).length;
      const running = [...requests.values()].reduce((sum, each) => sum + each, 0);
      return commands + running > limits.operationsPerUser;
    },
    idleAfter(ms) {
      idleMs = ms;
      for (const shell of open.values()) rest(shell);
    },
  };
}
