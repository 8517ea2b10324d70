import assert from 'node:assert/strict';
import {
  conversation,
  go,
  program,
  programArguments,
} from '../../src/providers/hyperv/api/protocol.ts';
import { commands } from './commands.ts';
import { type HostState, psError, troubleOf } from './state.ts';
import { release, runs, type Session } from './steps.ts';

/** A process that a client started, with what it has said and not yet been asked for. */
export interface PowerShell {
  /** Base64 of standard input, as it comes. */
  write(content: Buffer, end: boolean): void;
  /** The output since then; waits for something, but not longer than this. */
  read(forMs: number): Promise<Said>;
  /** Waits for something to be said, without taking it; not longer than this. */
  heard(forMs: number): Promise<void>;
  kill(): void;
  readonly ended: boolean;
}

export interface Said {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly exitCode: number | undefined;
}

/** Every script that a client may run: what is put into one of them from outside makes it strange. */
const known = new Map(Object.values(commands).map(({ script, name }) => [script, name]));

/**
 * Plays Windows PowerShell as the command line and the conversation script make it behave. Fails
 * on the first line that is not exactly what a client of ours sends.
 */
export function startPowerShell(
  state: HostState,
  command: string,
  args: readonly string[],
  complain: (what: string) => void,
): PowerShell {
  let stdin = '';
  let stdout = '';
  let stderr = '';
  let closed = false;
  let exitCode: number | undefined;
  let wake: () => void = () => {};
  let stop: (reason: Error) => void = () => {};
  const killed = new Promise<never>((_, reject) => {
    stop = reject;
  });
  killed.catch(() => {});
  const session: Session = {
    state,
    held: new Map(),
    seed: new Map(),
    async pause(ms) {
      let timer: NodeJS.Timeout | undefined;
      const rest = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([rest, killed]).finally(() => clearTimeout(timer));
    },
    die() {
      kill();
      return killed;
    },
  };
  const end = (code: number): void => {
    exitCode ??= code;
    release(session);
    for (const [uuid, holder] of state.locks) if (holder === session) state.locks.delete(uuid);
    wake();
  };
  const kill = (): void => {
    closed = true;
    stop(new Error('killed'));
    end(1);
  };
  const nextLine = async (forMs = Infinity): Promise<string | undefined> => {
    const untilMs = performance.now() + forMs;
    for (;;) {
      if (performance.now() > untilMs) throw new Idle();
      const at = stdin.indexOf('\n');
      if (at >= 0) {
        const line = stdin.slice(0, at);
        stdin = stdin.slice(at + 1);
        return line;
      }
      if (closed) return undefined;
      await session.pause(1);
    }
  };
  const say = (line: string): void => {
    stdout += `${line}\r\n`;
    wake();
  };

  const heard = async (forMs: number): Promise<void> => {
    if (stdout !== '' || exitCode !== undefined) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, forMs);
    });
    clearTimeout(timer);
  };

  const live = async (): Promise<number> => {
    checkCommand(command, args);
    if (state.limits.processesPerShell < processes) {
      stderr += 'Nicht genügend Quoten verfügbar, um diesen Befehl zu verarbeiten.\r\n';
      return 1;
    }
    if (state.blocked !== '') {
      stderr += `${state.blocked}\r\n`;
      return 1;
    }
    if (state.languageMode !== 'FullLanguage') {
      say(`outrigger-mode ${state.languageMode}`);
      return 2;
    }
    const script: string[] = [];
    for (let line = await nextLine(); line !== go; line = await nextLine()) {
      if (line === undefined) return 3;
      script.push(line);
    }
    assert.equal(script.join('\n'), conversation, 'the conversation script was changed');
    stderr += noise;
    const nextHead = () => nextLine(state.idleMs);
    for (let head = await nextHead(); head !== undefined; head = await nextHead()) {
      if (state.lastWords !== '') {
        say(state.lastWords);
        return 1;
      }
      assert.match(head, /^[\x20-\x7e]+$/, 'what is given has to be one line of ASCII');
      const asked = JSON.parse(head) as { number: number; lines: number; given: object };
      const lines: string[] = [];
      for (let i = 0; i < asked.lines; i += 1) lines.push((await nextLine()) ?? '');
      const answer = await answerTo(lines.join('\n'), asked.given, session);
      const json = Buffer.from(JSON.stringify(answer), 'utf8');
      say(`outrigger-answer ${asked.number} ${json.toString('base64')}`);
    }
    return 0;
  };
  live().then(end, (thrown: unknown) => {
    if (thrown instanceof Idle) return end(4);
    if (exitCode === undefined && !closed) complain(String(thrown));
    stderr += `${String(thrown)}\r\n`;
    end(1);
  });

  return {
    get ended() {
      return exitCode !== undefined;
    },
    write(content, last) {
      stdin += content.toString('latin1');
      closed ||= last;
    },
    heard,
    async read(forMs) {
      await heard(forMs);
      const [out, err] = [Buffer.from(stdout), Buffer.from(stderr)];
      stdout = '';
      stderr = '';
      // A process takes longer to end than to say its last word.
      return { stdout: out, stderr: err, exitCode: out.length > 0 ? undefined : exitCode };
    },
    kill,
  };
}

/** The script ends PowerShell when nothing is asked for too long. */
class Idle extends Error {}

/** cmd.exe, which starts the command line, and PowerShell. */
const processes = 2;

const noise =
  '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0"><TN RefId="0"><T>System.Management.Automation.PSCustomObject</T></TN></Obj></Objs>';

function checkCommand(command: string, args: readonly string[]): void {
  assert.equal(command, program);
  assert.deepEqual(args, programArguments, 'the command line is not the constant one');
  // Behind cmd.exe, these would mean something even between quotes.
  assert.doesNotMatch(args.join(' '), /[%^!\n]/);
}

async function answerTo(script: string, given: object, session: Session): Promise<object> {
  const { state } = session;
  const name = known.get(script);
  assert.ok(name, `this is none of the constant scripts: ${script.slice(0, 80)}`);
  assert.equal(script.split('\n')[0], `# outrigger command: ${name}`);
  state.ran.push(name);
  try {
    if (state.noModule && name !== 'lock') throw missingModule();
    const planned = state.errors.findIndex((error) => error.step === name);
    const [error] = planned < 0 ? [] : state.errors.splice(planned, 1);
    const value = error?.done === false ? undefined : await runs[name]?.(given as never, session);
    await error?.meanwhile?.();
    if (error !== undefined) throw psError(error.trouble);
    return { value };
  } catch (thrown) {
    const trouble = troubleOf(thrown);
    if (trouble === undefined) throw thrown;
    return { error: { type: 'System.Exception', code: -2146233088, ...trouble } };
  }
}

function missingModule(): Error {
  return psError({
    id: 'CommandNotFoundException',
    category: 'ObjectNotFound',
    message: 'Die Benennung "Hyper-V\\Get-VM" wurde nicht als Name eines Cmdlet erkannt.',
  });
}
