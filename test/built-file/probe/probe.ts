import { EventEmitter } from 'node:events';
import { everyone, type Outcome, type Parameters } from '../../../src/contract/action.ts';
import type { Context } from '../../../src/contract/context.ts';
import type { Fields, Values } from '../../../src/contract/field.ts';
import type { Instance } from '../../../src/contract/instance.ts';
import type { Power } from '../../../src/contract/machine.ts';
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
  PostObject: { about: 'Sends an object', parameters: words, timeoutSeconds: 30, roles: everyone },
  PostForm: { about: 'Sends a form', parameters: words, timeoutSeconds: 30, roles: everyone },
  Broken: { about: 'Reads no JSON', parameters: {}, timeoutSeconds: 30, roles: everyone },
  Slow: { about: 'Waits in vain', parameters: {}, timeoutSeconds: 30, roles: everyone },
  Throw: {
    about: 'Throws where nobody catches',
    parameters: {},
    timeoutSeconds: 30,
    roles: everyone,
  },
  Reject: { about: 'Leaves a promise alone', parameters: {}, timeoutSeconds: 30, roles: everyone },
  Warn: { about: 'Makes Node warn', parameters: {}, timeoutSeconds: 30, roles: everyone },
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
  open(values, context) {
    const http = connect(values, context);
    return {
      create: unsupported,
      start: unsupported,
      stop: unsupported,
      reboot: unsupported,
      delete: unsupported,
      power: (instance) => power(http, instance),
      run: {
        PostObject: async ({ instance, parameters }) =>
          outcome(await http.request('POST', machine(instance), { json: { ...parameters } })),
        PostForm: async ({ instance, parameters }) =>
          outcome(await http.request('POST', machine(instance), { form: { ...parameters } })),
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
      },
    };
  },
});

function connect(values: Values<typeof settings>, { deadline, log }: Context): Http {
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

function machine({ name }: Instance): string {
  return path`/machines/${name}`;
}

async function power(http: Http, instance: Instance): Promise<Power> {
  const reply = await http.request('GET', machine(instance));
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

async function unsupported(): Promise<void> {
  throw new Failure('unsupported', 'The probe only looks and sends');
}
