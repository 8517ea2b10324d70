import * as v from 'valibot';
import type { Context, Deadline } from '../../../contract/context.ts';
import { expectFailure, Failure, isKind, isOutage } from '../../../failure.ts';
import { createHttp } from '../../../kit/http/client.ts';
import type { Tls } from '../../../kit/http/tls.ts';
import type { Settings } from '../settings.ts';
import { addressOf } from '../settings-address.ts';
import { createPost } from './auth.ts';
import type { Command } from './command.ts';
import { readAccount } from './ntlm-keys.ts';
import { type PowerShellSession, startPowerShell } from './powershell-session.ts';
import { isFromPowerShell, isLost, psFailure } from './trouble.ts';
import { createWsman } from './wsman.ts';

export interface AskOptions {
  /** In place of the action's own, such as the one for undo. */
  readonly deadline?: Deadline;
  /** It is the last command: the process there need not wait for more. */
  readonly last?: boolean;
  /** Not even a command that may be given twice is given again when its answer gets lost. */
  readonly once?: boolean;
  /** The files it is about, for the advice when they cannot be used. */
  readonly paths?: readonly string[];
}

/** The Hyper-V host, as one action talks to it: one PowerShell process, started when first asked. */
export interface Host {
  /**
   * Fails with what the error means where PowerShell answers with one. Where an answer gets lost on
   * the way a command that may be given twice is given once more, in another process.
   */
  ask<Given, Value>(
    command: Command<Given, Value>,
    given: NoInfer<Given>,
    options?: AskOptions,
  ): Promise<Value>;
  /** Sets the work that each further process does first, when it replaces a lost one. */
  onRestart(opening: (deadline: Deadline) => Promise<void>): void;
  /** Takes the process and the connection away; never fails. */
  close(): Promise<void>;
}

export function openHost(settings: Settings, { deadline, log, suspect }: Context): Host {
  const { base, path, host } = addressOf(settings);
  const http = createHttp({
    title: 'Hyper-V',
    endpoints: [base],
    tls: tlsOf(settings),
    deadline,
    log,
    suspect,
    maxSockets: 1,
  });
  const account = readAccount(settings.username, settings.domain ?? '', settings.password);
  const credentials = { ...account, scheme: settings.authentication, host };
  const wsman = createWsman(createPost(http, path, credentials), base + path);
  let shell: PowerShellSession | undefined;
  let opening: ((deadline: Deadline) => Promise<void>) | undefined;
  let answered = false;

  const end = async (): Promise<void> => {
    const ending = shell;
    shell = undefined;
    await ending?.close(deadline.forUndo()).catch((thrown: unknown) => {
      const { message: error } = Failure.from(thrown);
      log('hyperv.shell-left', { error, level: 'warn' });
    });
  };

  const begin = async (until: Deadline, doing: string): Promise<PowerShellSession> => {
    const begun = await startPowerShell(wsman, until).catch((thrown: unknown) => {
      throw inTime(thrown, until, doing);
    });
    shell = begun;
    try {
      await opening?.(until);
    } catch (thrown) {
      await end();
      throw thrown;
    }
    return begun;
  };

  const askOnce: Host['ask'] = async (command, given, options = {}) => {
    const { deadline: until = deadline, last = false, paths = [] } = options;
    const { script, doing } = command;
    const asked = shell ?? (await begin(until, doing));
    try {
      const reply = await asked.ask({ script, given, doing, last }, until);
      answered = true;
      if ('error' in reply) throw psFailure(reply.error, { host: wsman.host, doing, paths });
      return readValue(command, reply.value);
    } catch (thrown) {
      // A process that answered goes on; what one that did not answer does is unknown.
      if (!isFromPowerShell(thrown)) await end();
      throw inTime(thrown, until, doing);
    }
  };

  return {
    async ask(command, given, options = {}) {
      const { deadline: until = deadline, once = false } = options;
      const before = answered;
      try {
        return await askOnce(command, given, options);
      } catch (lost) {
        // A host that never answered is away, which the next call finds out.
        const again = before && !command.once && !once && isLost(lost) && until.remainingMs() > 0;
        if (!again) throw lost;
        log('hyperv.asked-again', { command: command.name, error: expectFailure(lost).message });
        return askOnce(command, given, options).catch((thrown: unknown) => {
          throw isFromPowerShell(thrown) ? thrown : lost;
        });
      }
    },
    onRestart(next) {
      opening = next;
    },
    async close() {
      await end();
      http.close();
    },
  };
}

/** Says what the time was up for. */
function inTime(thrown: unknown, until: Deadline, doing: string): unknown {
  if (!isKind(thrown, 'timeout')) return thrown;
  const { kind, message } = until.failure(doing);
  return new Failure(kind, message, { outage: isOutage(thrown) });
}

function readValue<Value>(command: Command<unknown, Value>, value: unknown): Value {
  const result = v.safeParse(command.schema(), value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Failure(
    'upstream',
    `The host answered "${command.name}" with something unexpected: ${v.getDotPath(issue) ?? 'all of it'} ${issue.message}`,
  );
}

export function tlsOf(settings: Settings): Tls {
  const {
    verify_tls_certificate: verify,
    tls_fingerprint: fingerprints = [],
    ca_file: ca,
  } = settings;
  return { verify, fingerprints, ...(ca === undefined ? {} : { ca }) };
}
