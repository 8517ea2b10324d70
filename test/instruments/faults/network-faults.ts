import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../../support/world.ts';
import { few } from './action.ts';
import { dated, drip, flood, half, head, loginPage, says, truncate } from './effects.ts';
import type { Fault, Surroundings } from './fault.ts';
import { honest } from './proxy.ts';

/** Enough for what ends by itself. */
const timeoutSeconds = 20;

/** Long enough for a process that starts on a busy machine, short enough to wait for its end. */
const waitingSeconds = 10;

const unheard = ['unreachable', 'timeout', 'upstream'] as const;

/** Failures are remembered for longer than it takes to make all the calls. */
function remember({ folder }: Place, memoSeconds: number): Surroundings {
  const file = join(folder, 'config.json');
  const config = readFileSync(file, 'utf8');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(config), memo: { seconds: memoSeconds } }));
  return { memoSeconds };
}

/** Whether the fault is about a connection that comes later than the first. */
const later = (connection: number): boolean => connection > 1;

const answers: readonly Fault[] = [
  ['429', '429 Too Many Requests'],
  ['500', '500 Internal Server Error'],
  ['503', '503 Service Unavailable'],
  ['595', '595 Connection refused'],
].map(([name = '', status = '']) => ({
  name,
  about: `every request is answered with ${status}`,
  timeoutSeconds,
  effect: says({ status }),
}));

const withoutOwners = (provider: string): string | undefined =>
  provider === 'maas' ? undefined : 'its machines have no owner that the system keeps';

export const networkFaults: readonly Fault[] = [
  {
    name: 'refused',
    about: 'no server listens on the port',
    told: ['unreachable', 'timeout'],
    timeoutSeconds,
    async surround({ remote }) {
      await remote.proxy?.down();
      return {};
    },
  },
  {
    name: 'gone',
    about: 'at one changing request the connection is cut, and then no server listens any more',
    at: 'change',
    most: 5,
    timeoutSeconds,
    effect: (_, { remote }) => remote.proxy.down(),
  },
  {
    name: 'reset-header',
    about: 'the connection is reset in the middle of the status line of one answer',
    at: 'request',
    most: 4,
    effect: head,
  },
  {
    name: 'reset-body',
    about: 'the connection is reset in the middle of the body of one answer',
    at: 'change',
    most: 5,
    effect: half,
  },
  {
    name: 'hang-before',
    about: 'one changing request is never handed on, and the connection stays open',
    at: 'change',
    most: 5,
    timeoutSeconds: waitingSeconds,
    effect: ({ hang }) => hang(),
  },
  {
    name: 'hang-after',
    about: 'one changing request is worked on, and its answer never comes',
    at: 'change',
    most: 5,
    timeoutSeconds: waitingSeconds,
    effect: ({ pass, hang }) => pass().then(hang),
  },
  {
    name: 'silent',
    actions: few,
    about: 'connections are taken, and nothing is ever said on them',
    told: ['unreachable', 'timeout'],
    timeoutSeconds: waitingSeconds,
    opening: () => 'silence',
  },
  {
    name: 'answer-lost',
    about: 'one changing request is worked on, and the connection ends without an answer',
    at: 'change',
    most: 5,
    effect: ({ pass, reset }) => pass().then(reset),
  },
  {
    name: 'request-lost',
    about: 'the connection ends before one changing request is handed on',
    at: 'change',
    most: 5,
    effect: ({ reset }) => reset(),
  },
  {
    name: 'gateway-504',
    about: 'one changing request is worked on, and something in between answers 504',
    at: 'change',
    most: 5,
    async effect(exchange) {
      await exchange.pass();
      await says({ status: '504 Gateway Timeout', type: 'text/html', body: loginPage })(exchange);
    },
  },
  {
    name: 'tls-garbage',
    actions: few,
    about: 'what answers on the port speaks no TLS',
    told: unheard,
    timeoutSeconds,
    opening: () => 'garbage',
  },
  {
    name: 'tls-reset',
    actions: few,
    about: 'connections are reset at their beginning',
    told: ['unreachable', 'timeout'],
    timeoutSeconds,
    opening: () => 'reset',
  },
  {
    name: 'certificate-changed',
    about: 'connections end after their first answer, and the next ones show another certificate',
    timeoutSeconds,
    opening: (connection) => (later(connection) ? 'self-signed' : undefined),
    async effect({ pass, write, end }) {
      await write(await pass());
      end();
    },
  },
  ...answers,
  {
    name: '503-once',
    about: 'one changing request is answered with 503 and not handed on',
    at: 'change',
    most: 5,
    effect: says({ status: '503 Service Unavailable' }),
  },
  {
    name: 'truncated',
    about: 'one answer has half of its content and is whole in every other way',
    at: 'request',
    most: 4,
    effect: truncate,
  },
  {
    name: 'enormous',
    actions: few,
    about: 'every answer is 256 MiB long',
    told: unheard,
    timeoutSeconds,
    effect: flood,
  },
  {
    name: 'login-page',
    about: 'every request is answered with 200 and an HTML page to log in',
    told: ['upstream', 'denied', 'unreachable', 'config', 'timeout'],
    timeoutSeconds,
    effect: says({ status: '200 OK', type: 'text/html', body: loginPage }),
  },
  {
    name: 'drip',
    actions: few,
    about: 'answers come one byte at a time, for longer than any call may wait',
    told: ['timeout', 'unreachable'],
    timeoutSeconds: waitingSeconds,
    effect: drip,
  },
  {
    name: '401-from',
    about: 'from one request on everything is answered with 401',
    at: 'request',
    most: 4,
    lasts: true,
    timeoutSeconds,
    effect: says({ status: '401 Unauthorized' }),
  },
  {
    name: '403-from',
    about: 'from one changing request on everything is answered with 403',
    at: 'change',
    most: 5,
    lasts: true,
    timeoutSeconds,
    effect: says({ status: '403 Forbidden' }),
  },
  {
    name: 'blind',
    about: 'the account has lost its rights, in the way the system has it: often without an error',
    timeoutSeconds,
    async surround({ remote: { backend } }) {
      await backend.withdrawRights(true);
      return { undo: () => backend.withdrawRights(false) };
    },
  },
  {
    name: 'blind-from',
    about: 'the account loses its rights right before one changing request',
    at: 'change',
    most: 5,
    timeoutSeconds,
    lacks: (provider) =>
      provider === 'maas' ? 'a key that MAAS has taken is another key, see 401-from' : undefined,
    async effect(exchange, { remote: { backend } }) {
      await backend.withdrawRights(true);
      await honest(exchange);
    },
  },
  {
    name: 'taken-over',
    about:
      'since the last report a person has put the machines into rescue mode, which makes that person their owner and hides them from the account',
    timeoutSeconds,
    lacks: withoutOwners,
    async surround({ remote: { backend }, cloud }) {
      await cloud.call({ word: 'statuses' });
      await backend.takeOver?.(true);
      return { undo: () => backend.takeOver?.(false) };
    },
  },
  {
    name: 'taken-over-from',
    about: 'the same after a report, right before one changing request',
    at: 'change',
    most: 5,
    timeoutSeconds,
    lacks: withoutOwners,
    async surround({ cloud }) {
      await cloud.call({ word: 'statuses' });
      return {};
    },
    async effect(exchange, { remote: { backend } }) {
      await backend.takeOver?.(true);
      await honest(exchange);
    },
  },
  {
    name: 'storm',
    about: 'no call can connect while CloudStack asks 20 times, one call after the other',
    actions: ['status'],
    times: 20,
    mostConnections: 8,
    told: ['unreachable'],
    opening: () => 'reset',
    surround: ({ place }) => remember(place, 20),
  },
  {
    name: 'date-ahead',
    actions: few,
    about: "the system's clock is a day ahead",
    effect: dated(1),
  },
  {
    name: 'date-behind',
    actions: few,
    about: "the system's clock is a day behind",
    effect: dated(-1),
  },
];
