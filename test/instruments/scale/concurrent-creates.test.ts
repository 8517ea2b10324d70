import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Backend } from '../../conformance/backend.ts';
import { alice, payloadFor } from '../../support/payloads.ts';
import { finish, makePlace, type Place } from '../../support/world.ts';
import { installation, newInstance } from '../bench/instance.ts';
import { emptySystem, lists } from './lists.ts';
import { createRandom, type Random } from './random.ts';

/*
 * Two creates of one instance at once, as when a management server is restarted in the middle of
 * one and another server takes over: the first is told to end and takes back what it did, while the
 * second goes on. The report of the second has to be true.
 */

const given = process.env['OUTRIGGER_SCALE_SEED'];
const seed = given === undefined ? Date.now() & 0x7fffffff : Number(given);
/** `npm test` plays a few; the more, the more moments are met. */
const rounds = Number(process.env['OUTRIGGER_SCALE_ROUNDS'] ?? 10);

describe('an instance that two creates have made at once, one of which was told to end', () => {
  for (const provider of lists) {
    it(`an instance of two concurrent creates is there when one of them succeeded (${provider})`, async () => {
      const random = createRandom(seed);
      const lost: string[] = [];
      for (let id = 1; id <= rounds; id += 1) {
        const place = makePlace({});
        const backend = await emptySystem(provider, place);
        try {
          lost.push(...(await play(backend, place, id, random)));
        } finally {
          // Windows ends a shell that was being opened when its client was told to end.
          const rest = { change: Number.POSITIVE_INFINITY, how: 'before', lasts: true } as const;
          await (await backend.breakOff?.(rest))?.mend();
          await backend.close();
          place.remove();
        }
      }
      assert.deepEqual(lost, [], `OUTRIGGER_SCALE_SEED=${seed}`);
    });
  }
});

/** Answers what is wrong afterwards. */
async function play(
  backend: Backend,
  place: Place,
  id: number,
  random: Random,
): Promise<readonly string[]> {
  await backend.taskMs?.(60);
  const vm = newInstance(id, backend.chosen);
  const details = backend.details();
  const extension = { provider: backend.provider, installation, ...details.extension };
  const host = { ...details, extension };
  const file = place.payload(payloadFor('create', { vm, host, caller: alice }));
  const begin = () => place.begin(['create', file, '30'], { registry: backend.registry });
  const first = begin();
  await pause(random.between(0, 200));
  const second = begin();
  const timer = setTimeout(() => first.interrupt('Stopped by SIGTERM'), random.between(0, 900));
  const [one, other] = await Promise.all([finish(first), finish(second)]);
  clearTimeout(timer);
  if (one.exitCode !== 0 && other.exitCode !== 0) return [];
  const own = (await backend.machines()).filter(({ mark }) => mark.includes(vm.uuid));
  const [machine] = own;
  if (own.length === 1 && machine?.power === 'on' && machine.mark.includes('"built"')) return [];
  const states = own.map(({ power, mark }) => `${power} ${mark}`);
  return [`${own.length} machines (${states.join(', ')}) after ${one.text}${other.text}`];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
