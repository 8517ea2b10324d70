import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mapLimit } from '../../../src/kit/map-limit.ts';
import type { RemoteMachine } from '../../conformance/backend.ts';
import { type Cloud, inScene } from '../../conformance/cloud.ts';
import { createRandom } from '../../instruments/scale/random.ts';
import { leftOut } from '../../support/thorough.ts';
import type { IncusBackend } from './backend.ts';
import { type Life, live } from './random-lives.ts';
import { onGenuine } from './suite.ts';

const count = Number(process.env['OUTRIGGER_LIVES'] ?? 200);
const seed = Number(process.env['OUTRIGGER_SEED'] ?? 1);

/** One request in so many is lost, or its answer. */
const lostOf = 150;

describe('random lives on a genuine Incus', { skip: leftOut ?? false }, () => {
  onGenuine('incus', (setUp, genuine) =>
    it(
      'while requests are lost, each instance ends as its answers said, and nothing is left behind',
      inScene(setUp, async ({ cloud: first, backend }, t) => {
        const { proxy, project } = backend as IncusBackend;
        const random = createRandom(seed);
        const failures: string[] = [];
        let lost = 0;
        proxy.disturb(() => {
          if (!random.chance(1 / lostOf)) return undefined;
          lost += 1;
          return random.chance(0.5) ? 'lost-request' : 'lost-answer';
        });
        const clouds = cloudsAfter(first, count);
        const lives = clouds.map((cloud, at): Life => {
          const known = { power: 'on', disks: 0, snapshots: 0 } as const;
          return { cloud, random: random.fork(at), known: { ...known }, failures };
        });
        const ends = await mapLimit(lives, 6, live);
        proxy.disturb(undefined);
        const there = lives.filter((_, at) => ends[at] === 'there');
        t.diagnostic(`${lost} lost requests and answers, ${failures.length} calls that failed`);
        for (const failure of failures) t.diagnostic(failure.slice(0, 300));
        assert.ok(failures.length <= lost, 'a call fails only where a request was lost');

        const machines = await backend.machines();
        const names = machines.map(({ name }) => name).sort();
        assert.deepEqual(names, there.map(({ cloud }) => cloud.vm.name).sort());
        for (const life of there) assertAsTold(life, machines);
        const { document } = await first.ok('statuses');
        const reported = Object.entries(document['power_state'] as Record<string, string>);
        const words = { on: 'PowerOn', off: 'PowerOff' } as const;
        for (const [name, power] of reported) {
          const machine = machines.find((each) => each.name === name);
          assert.equal(power, words[machine?.power as 'on' | 'off'] ?? power, name);
        }
        assert.equal(reported.length, there.length);

        await mapLimit(there, 6, ({ cloud }) => cloud.ok('delete'));
        assert.deepEqual(await backend.machines(), []);
        const at = `/1.0/storage-pools/default/volumes/custom?project=${project}`;
        assert.deepEqual(await (await genuine()).ask('GET', at), []);
      }),
    ),
  );
});

function cloudsAfter(first: Cloud, count: number): readonly Cloud[] {
  const clouds = [first];
  while (clouds.length < count) clouds.push((clouds.at(-1) ?? first).another());
  return clouds;
}

/** A fact that a failed call left open may have either value. */
function assertAsTold({ cloud, known }: Life, machines: readonly RemoteMachine[]): void {
  const { name, uuid } = cloud.vm;
  const [machine, ...more] = machines.filter(({ mark }) => mark.includes(uuid));
  assert.ok(machine !== undefined && more.length === 0, `one machine is ${name}'s`);
  if (known.power !== undefined) assert.equal(machine.power, known.power, name);
  if (known.disks !== undefined) assert.equal(machine.dataDisks?.length, known.disks, name);
}
