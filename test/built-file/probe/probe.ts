import { EventEmitter } from 'node:events';
import { everyone, type Outcome, type Parameters } from '../../../src/contract/action.ts';
import type { Context } from '../../../src/contract/context.ts';
import type { Fields, Values } from '../../../src/contract/field.ts';
import type { Instance } from '../../../src/contract/instance.ts';
import type { Mark, State } from '../../../src/contract/machine.ts';
import { defineProvider } from '../../../src/contract/provider.ts';
import { Failure } from '../../../src/failure.ts';
import { text } from '../../../src/kit/fields.ts';
import { path } from '../../../src/kit/http/address.ts';
import { createHttp, type Http } from '../../../src/kit/http/client.ts';
import type { Reply } from '../../../src/kit/http/reply.ts';
import {
  caFile,
  tlsFingerprint,
  verifyTlsCertificate,
} from '../../../src/lifecycle/shared-settings.ts';

/*
 * A provider that only drives the http kit, for its guards and for the benchmark: the power of a
 * machine is one GET, and its actions are the other kinds of requests.
 */

const settings = {
  url: { about: 'Base URL of the server', schema: text(), required: true },
  secret: { about: 'Token sent with every request', schema: text(), required: true, secret: true },
  verify_tls_certificate: verifyTlsCertificate,
  tls_fingerprint: tlsFingerprint,
  ca_file: caFile,
} as const satisfies Fields;

const words = {
  words: { about: 'What to send', type: 'STRING', schema: text(), default: 'hello' },
} as const satisfies Parameters;

const actions = {
  PostObject: {
    about: 'Sends an object',
    parameters: words,
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'none',
  },
  PostForm: {
    about: 'Sends a form',
    parameters: words,
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'none',
  },
  Broken: {
    about: 'Reads no JSON',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'none',
  },
  Slow: {
    about: 'Waits in vain',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'none',
  },
  Throw: {
    about: 'Throws where nobody catches',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'none',
  },
  Reject: {
    about: 'Leaves a promise alone',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'none',
  },
  Warn: {
    about: 'Makes Node warn',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
    wants: 'none',
  },
} as const;

export const probe = defineProvider({
  name: 'probe',
  title: 'Probe',
  about: 'Drives the http kit',
  settings,
  blueprint: {},
  stored: {},
  actions,
  prepares: false,
  connect(values, context) {
    const http = openHttp(values, context);
    return {
      policy: { adoptUnmarked: false, deleteAdopted: false, graceSeconds: 0 },
      close: http.close,
      list: async () => [],
      find: async ({ instance }) => {
        const machine = {
          remoteId: instance.name,
          name: instance.name,
          mark: markOf(instance, context),
        };
        return { kind: 'own', machine };
      },
      describe: ({ remoteId, mark }) => ({ remoteId, name: remoteId, mark, power: 'unknown' }),
      state: ({ remoteId }) => stateOf(http, remoteId),
      hasHardware: async () => true,
      make: unsupported,
      powerOn: unsupported,
      resume: unsupported,
      shutDown: unsupported,
      cutPower: unsupported,
      restart: unsupported,
      destroy: unsupported,
      writeMark: unsupported,
      run: async () => ({
        PostObject: async ({ instance, parameters }) =>
          outcome(await http.request('POST', pathOf(instance.name), { json: { ...parameters } })),
        PostForm: async ({ instance, parameters }) =>
          outcome(await http.request('POST', pathOf(instance.name), { form: { ...parameters } })),
        Broken: async () => outcome(await http.request('GET', '/broken')),
        Slow: async () => outcome(await http.request('GET', '/slow')),
        Throw: () => {
          setTimeout(() => breakOut(), 5);
          return new Promise(() => {});
        },
        Reject: () => {
          void Promise.resolve().then(breakOut);
          return new Promise(() => {});
        },
        Warn: async () => {
          process.emitWarning('This must not be seen');
          new EventEmitter().setMaxListeners(1).on('x', breakOut).on('x', breakOut);
          return { message: 'Warned' };
        },
      }),
    };
  },
});

function openHttp(values: Values<typeof settings>, { deadline, log }: Context): Http {
  return createHttp({
    title: 'Probe',
    endpoints: [values.url],
    tls: {
      verify: values.verify_tls_certificate,
      fingerprints: values.tls_fingerprint ?? [],
      ...(values.ca_file === undefined ? {} : { ca: values.ca_file }),
    },
    headers: { authorization: `Bearer ${values.secret}` },
    deadline,
    log,
  });
}

function markOf({ uuid, name }: Instance, { installation }: Context): Mark {
  return { uuid, name, installation, remoteId: name, state: 'built', origin: 'created' };
}

function pathOf(name: string): string {
  return path`/machines/${name}`;
}

async function stateOf(http: Http, name: string): Promise<State> {
  const reply = await http.request('GET', pathOf(name));
  const { running } = accepted(reply).json() as { readonly running?: unknown };
  return running === true ? 'on' : running === false ? 'off' : 'unknown';
}

function outcome(reply: Reply): Outcome {
  return { message: JSON.stringify(accepted(reply).json()) };
}

function accepted(reply: Reply): Reply {
  if (reply.status === 200) return reply;
  throw new Failure('upstream', `The probe’s server said ${reply.status} ${reply.reason}`);
}

function breakOut(): never {
  throw new Error('It escaped');
}

async function unsupported(): Promise<never> {
  throw new Failure('unsupported', 'The probe only looks and sends');
}
