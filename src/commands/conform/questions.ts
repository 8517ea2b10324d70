import type { Cast } from './cast.ts';
import {
  asIn421,
  customPayload,
  payloadFor,
  statusesPayload,
  withUnknownKeys,
} from './payloads.ts';
import { type CallOptions, quickSeconds, type Runner } from './runner.ts';

export type Quick = Runner['call'];

/** Calls that have nothing to wait for. */
export function quickly(runner: Runner): Quick {
  return (step, action, payload, callOptions = {}) =>
    runner.call(step, action, payload, { timeoutSeconds: quickSeconds, ...callOptions });
}

/** Calls about a running instance, in environments that an author may not have thought of. */
export async function questions(
  quick: Quick,
  { alive, details, known, parameters }: Cast,
): Promise<void> {
  const status = payloadFor('status', alive, details);
  const twists: Readonly<Record<string, CallOptions>> = {
    'errors apart': { errorsApart: true },
    'C locale': { env: { LC_ALL: 'C', LANG: 'C', LANGUAGE: undefined } },
    'without HOME': { env: { HOME: undefined } },
    'HOME missing': { env: { HOME: '/nonexistent/home' } },
    'directory deleted': { through: inDeletedDirectory },
    'input closed': { through: withInputClosed },
  };
  for (const [when, callOptions] of Object.entries(twists)) {
    await quick(`status, ${when}`, 'status', status, callOptions);
  }
  await quick('status as in 4.21', 'status', asIn421(status));
  await quick('status, unknown keys', 'status', withUnknownKeys(status));
  await Promise.all(
    [1, 2, 3].map((n) => quick(`status at once ${n}`, 'status', status, { amongOthers: true })),
  );
  await quick('statuses', 'statuses', statusesPayload(details));
  await quick('getconsole', 'getconsole', payloadFor('getconsole', alive, details));
  if (known === undefined) return;
  const custom = customPayload(known, alive, details, parameters);
  await quick('custom action', known, custom);
  await quick('custom action as in 4.21', known, asIn421(custom));
}

const withInputClosed = ['sh', '-c', 'exec "$@" <&-', 'sh'];
const inDeletedDirectory = [
  'sh',
  '-c',
  'gone=$(mktemp -d) && cd "$gone" && rmdir "$gone" && exec "$@"',
  'sh',
];
