import * as v from 'valibot';
import { Failure } from '../../failure.ts';
import type { Deadline } from '../../kit/deadline.ts';
import { createHttp } from '../../kit/http/client.ts';
import type { Tls } from '../../kit/http/tls.ts';
import type { Context } from '../../provider.ts';
import { createPost } from './auth.ts';
import { readAccount } from './ntlm-keys.ts';
import type { Settings } from './settings.ts';
import type { Step } from './steps.ts';
import { startTalk, type Talk } from './talk.ts';
import { psFailure } from './trouble.ts';
import { createWsman } from './wsman.ts';

export interface AskOptions {
  /** In place of the action's own, such as the one for undo. */
  readonly deadline?: Deadline;
  /** It is the only question: the process there need not wait for more. */
  readonly last?: boolean;
  /** The files it is about, for the advice when they cannot be used. */
  readonly paths?: readonly string[];
}

/** The Hyper-V host, as one action talks to it: one PowerShell process, started when first asked. */
export interface Host {
  /** Fails with what the error means where PowerShell answers with one. */
  ask<Given, Value>(
    step: Step<Given, Value>,
    given: NoInfer<Given>,
    options?: AskOptions,
  ): Promise<Value>;
  /** Takes the process and the connection away; never fails. */
  close(): Promise<void>;
}

export function openHost(settings: Settings, { deadline, log }: Context): Host {
  const { base, path, host } = addressOf(settings);
  const http = createHttp({
    title: 'Hyper-V',
    endpoints: [base],
    tls: tlsOf(settings),
    deadline,
    log,
    maxSockets: 1,
  });
  const account = readAccount(settings.username, settings.domain ?? '', settings.password);
  const credentials = { ...account, scheme: settings.authentication, host };
  const wsman = createWsman(createPost(http, path, credentials), base + path);
  let talk: Talk | undefined;

  const end = async (): Promise<void> => {
    const ending = talk;
    talk = undefined;
    await ending?.close(deadline.forUndo()).catch((thrown: unknown) => {
      const { message: error } = Failure.from(thrown);
      log('hyperv.shell-left', { error, level: 'warn' });
    });
  };

  return {
    async ask(step, given, { deadline: until = deadline, last = false, paths = [] } = {}) {
      talk ??= await startTalk(wsman, until);
      const { script, doing } = step;
      try {
        const said = await talk.ask({ script, given, doing, last }, until);
        if ('error' in said) throw psFailure(said.error, { host: wsman.host, doing, paths });
        return readValue(step, said.value);
      } catch (thrown) {
        // A process that answered goes on; of one that did not nobody knows what it does.
        const failure = Failure.from(thrown);
        if (failure.facts['ps'] !== true) await end();
        throw failure.kind === 'timeout' ? until.failure(doing) : failure;
      }
    },
    async close() {
      await end();
      http.close();
    },
  };
}

function readValue<Value>(step: Step<unknown, Value>, value: unknown): Value {
  const result = v.safeParse(step.schema(), value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Failure(
    'upstream',
    `The host answered "${step.name}" with something unexpected: ${v.getDotPath(issue) ?? 'all of it'} ${issue.message}`,
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

/** The base URL, the path of WinRM on it, and the host for the name of the service. */
export function addressOf({ url, port }: Pick<Settings, 'url' | 'port'>): {
  readonly base: string;
  readonly path: string;
  readonly host: string;
} {
  const address = new URL(url);
  if (port !== undefined) address.port = String(port);
  const path = address.pathname.replace(/\/+$/, '');
  const shown = address.port === '' ? `${address.hostname}:443` : address.host;
  return {
    base: `https://${shown}`,
    path: path === '' ? '/wsman' : path,
    host: address.hostname.replace(/^\[(.*)\]$/, '$1'),
  };
}
