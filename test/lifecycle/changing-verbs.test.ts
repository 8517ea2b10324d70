import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Verbs } from '../../src/lifecycle/index.ts';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, plant } from './subject.ts';

const parameters = { snap_name: 'before' };
const snapshots = [{ name: 'before', disk: 'saved', cpus: 2 }];

function action(name: string): (verbs: Verbs) => Promise<unknown> {
  return (verbs) => verbs.run(name, { instance, parameters, policy: {}, blueprint: {} });
}

/** Each with what there is before, and the call. */
const cases: readonly (readonly [
  string,
  (world: World) => unknown,
  (verbs: Verbs) => Promise<unknown>,
])[] = [
  ['create', () => undefined, (verbs) => verbs.create(instance, {})],
  ['start', (world) => plant(world), (verbs) => verbs.start(instance, {})],
  [
    'start of a paused machine',
    (world) => plant(world, { state: 'paused' }),
    (verbs) => verbs.start(instance, {}),
  ],
  [
    'graceful stop',
    (world) => plant(world, { state: 'on' }),
    (verbs) => verbs.stop(instance, 'graceful'),
  ],
  ['hard stop', (world) => plant(world, { state: 'on' }), (verbs) => verbs.stop(instance, 'hard')],
  [
    'stop of an unfinished machine',
    (world) => plant(world, {}, { state: 'building' }),
    (verbs) => verbs.stop(instance, 'hard'),
  ],
  [
    'stop of a machine whose removal has failed half-way',
    (world) => plant(world, { leaving: true, stuck: true, state: 'on' }),
    (verbs) => verbs.stop(instance, 'hard'),
  ],
  ['reboot', (world) => plant(world, { state: 'on' }), (verbs) => verbs.reboot(instance)],
  ['delete', (world) => plant(world), (verbs) => verbs.delete(instance)],
  [
    'delete of an adopted machine',
    (world) => plant(world, { state: 'on' }, { origin: 'adopted' }),
    (verbs) => verbs.delete(instance),
  ],
  [
    'delete of a machine that is being taken away',
    (world) => plant(world, { leaving: true }),
    (verbs) => verbs.delete(instance),
  ],
  [
    'adopt',
    (world) => world.put({ remoteId: 'x', name: 'fileserver' }),
    (verbs) => verbs.adopt('x', instance),
  ],
  ['custom action on a finished machine', (world) => plant(world), action('Change')],
  ['custom action on a running machine', (world) => plant(world, { state: 'on' }), action('Poke')],
  ['CreateSnapshot', (world) => plant(world), action('CreateSnapshot')],
  [
    'RestoreSnapshot',
    (world) => plant(world, { state: 'on', snapshots }),
    action('RestoreSnapshot'),
  ],
  ['DeleteSnapshot', (world) => plant(world, { snapshots }), action('DeleteSnapshot')],
];

for (const [name, put, run] of cases) {
  it(`${name} changes its machine only while the driver keeps other calls away from it`, async () => {
    const world = new World();
    put(world);
    world.replaced = {
      exclusive: async (_step, work) => {
        world.calls.push('lock');
        const result = await work();
        world.calls.push('unlock');
        return result;
      },
    };
    await run(verbsIn(world));
    const { calls } = world;
    assert.ok(calls.length > 2);
    assert.deepEqual([calls.indexOf('lock'), calls.lastIndexOf('lock')], [0, 0]);
    assert.equal(calls.indexOf('unlock'), calls.length - 1);
  });

  it(`${name} fails when any of the changes that it asks for fails`, async () => {
    const rehearsal = new World();
    put(rehearsal);
    await run(verbsIn(rehearsal));
    assert.ok(rehearsal.calls.length > 0);
    for (const [index, change] of rehearsal.calls.entries()) {
      // A create writes the mark again, see create.test.ts.
      if (name === 'create' && change === 'writeMark') continue;
      const world = new World();
      put(world);
      world.break = { at: index + 1, how: 'before', lasts: false };
      assert.match((await failureOf(run(verbsIn(world)))).message, RegExp(`broke at ${change}`));
    }
  });
}

/** What a verb looks for its machine with, and the purpose that it asks for the state with. */
const purposes: readonly (readonly [string, (verbs: Verbs) => Promise<unknown>, string, string])[] =
  [
    ['create', (verbs) => verbs.create(instance, {}), 'create', 'start'],
    ['prepare', (verbs) => verbs.prepare(instance, {}), 'create', ''],
    ['start', (verbs) => verbs.start(instance, {}), 'change', 'start'],
    ['stop', (verbs) => verbs.stop(instance, 'hard'), 'change', 'stop'],
    ['reboot', (verbs) => verbs.reboot(instance), 'change', 'use'],
    ['power', (verbs) => verbs.power(instance), 'power', 'report'],
    ['console', (verbs) => verbs.console(instance), 'show', ''],
    ['Show', action('Show'), 'show', ''],
    ['Change', action('Change'), 'change', ''],
    ['Poke', action('Poke'), 'change', 'use'],
    ['ListSnapshots', action('ListSnapshots'), 'show', ''],
    ['RestoreSnapshot', action('RestoreSnapshot'), 'change', 'use'],
  ];

describe('a driver that is asked for one instance', () => {
  for (const [name, run, purpose, certainty] of purposes) {
    const state = certainty === '' ? 'for no state' : `for its state to ${certainty}`;
    it(`is told by ${name} that the machine is looked for to ${purpose}, and asked ${state}`, async () => {
      const world = new World();
      const machine = plant(world, { state: 'on', snapshots });
      const asked: string[] = [];
      const told: string[] = [];
      world.replaced = {
        find: async (_step, why) => {
          asked.push(why);
          if (typeof machine.mark !== 'object') throw new Error('unmarked');
          return { kind: 'own', machine };
        },
        state: async (_machine, why) => {
          told.push(why);
          return 'on';
        },
      };
      await run(verbsIn(world));
      assert.deepEqual([asked, told.join()], [[purpose], certainty]);
    });
  }
});

describe('a driver that lists machines', () => {
  for (const [name, run, asked] of [
    ['power', (verbs: Verbs) => verbs.power(instance), ['list own', 'state report']],
    ['powers', (verbs: Verbs) => verbs.powers(), ['list report', 'state report']],
    ['machines', (verbs: Verbs) => verbs.machines(), ['list inventory']],
    ['start', (verbs: Verbs) => verbs.start(instance, {}), ['list own', 'state start']],
    ['adopt', (verbs: Verbs) => verbs.adopt('x', instance).catch(() => {}), ['list own']],
  ] as const) {
    it(`is asked by ${name} for no more than ${asked.join(' and ')}`, async () => {
      const world = new World();
      plant(world, { state: 'on' });
      const requests: string[] = [];
      world.replaced = {
        list: async (detail) => {
          requests.push(`list ${detail}`);
          return world.readAll();
        },
        state: async ({ state }, purpose) => {
          requests.push(`state ${purpose}`);
          return state;
        },
      };
      await run(verbsIn(world));
      assert.deepEqual(requests, asked);
    });
  }
});
