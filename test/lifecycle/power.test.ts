import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Settings, type Stored, verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, plant, plantStranger } from './subject.ts';

async function report(world: World): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(await verbsIn(world).powers());
}

const powers = [
  ['on', 'on'],
  ['paused', 'on'],
  ['off', 'off'],
  ['saved', 'unknown'],
  ['unknown', 'unknown'],
] as const;

const doubts: readonly (readonly [string, (world: World) => unknown])[] = [
  ['two machines carry its mark', (world) => [plant(world), plant(world)]],
  ['a copy carries its mark', (world) => plant(world, {}, { remoteId: 'other' })],
  ['its machine is unfinished', (world) => plant(world, {}, { state: 'building' })],
  ['its machine is being taken away', (world) => plant(world, { leaving: true })],
  ['an unmarked machine has its name', (world) => world.put({ name: instance.name })],
  ['its mark is unreadable', (world) => world.put({ name: instance.name, mark: 'unreadable' })],
];

describe('the power of one instance', () => {
  for (const [state, power] of powers) {
    it(`is ${power} for a machine that is ${state}`, async () => {
      const world = new World();
      plant(world, { state });
      assert.equal(await verbsIn(world).power(instance), power);
    });
  }

  for (const [doubt, put] of doubts) {
    it(`is unknown, never off, while ${doubt}`, async () => {
      const world = new World();
      put(world);
      assert.equal(await verbsIn(world).power(instance), 'unknown');
    });
  }

  it('is that of the machine which the next change adopts, and marks nothing', async () => {
    const world = new World();
    world.settings = { adoptUnmarked: true };
    const { remoteId } = world.put({ name: instance.name, state: 'on' });
    const stored = { ...instance, stored: { id: remoteId } };
    assert.equal(await verbsIn(world).power(stored), 'on');
    assert.deepEqual([world.calls, world.log], [[], []]);
  });

  it('is in doubt with the reason in the log, as a warning', async () => {
    for (const [doubt, put] of [
      ['duplicate', (world: World) => [plant(world), plant(world)]],
      ['leaving', (world: World) => plant(world, { leaving: true })],
    ] as const) {
      const world = new World();
      put(world);
      await verbsIn(world).power(instance);
      assert.deepEqual(world.log, ['power.doubtful']);
      assert.deepEqual(world.facts.get('power.doubtful'), { doubt, level: 'warn' });
    }
  });

  it('is unknown while its machine is marked by an installation, and none by this one', async () => {
    const world = new World();
    plant(world, { state: 'on' }, { installation: 'cloud-b' });
    assert.equal(await verbsIn(world).power(instance), 'unknown');
    const verbs = verbsIn(world);
    const changes = [verbs.start(instance, {}), verbs.stop(instance, 'hard')];
    for (const change of [...changes, verbs.delete(instance), verbs.create(instance, {})]) {
      const { kind, message, advice = '' } = await failureOf(change);
      assert.equal(kind, 'conflict');
      assert.match(message, /carries its UUID, but the mark is of the installation cloud-b/);
      assert.match(advice, /"installation" of the extension is "cloud-a", which no mark names/);
    }
    assert.deepEqual(world.calls, []);
    plantStranger(world);
    assert.equal(await verbsIn(world).power(instance), 'missing', 'the id is right');
  });

  it('is missing, which is an answer and no failure, for an instance that is proved to have no machine', async () => {
    const world = new World();
    plantStranger(world);
    assert.equal(await verbsIn(world).power(instance), 'missing');
  });
});

describe('the report of all instances', () => {
  it('has every instance with the power of its machine', async () => {
    for (const [state, power] of powers) {
      const world = new World();
      plant(world, { state });
      plantStranger(world);
      assert.deepEqual(await report(world), { [instance.name]: power, 'i-2-43-VM': 'on' });
    }
  });

  for (const [doubt, put] of doubts) {
    it(`says unknown, and leaves no instance out, while ${doubt}`, async () => {
      const world = new World();
      put(world);
      assert.deepEqual(await report(world), { [instance.name]: 'unknown' });
    });
  }

  it('fails while a machine may be any instance’s', async () => {
    const world = new World();
    plant(world);
    world.put({ name: undefined, mark: 'unreadable' });
    assert.match((await failureOf(report(world))).message, /cannot be read/);
  });

  it('leaves out machines of other installations, templates and names that are no instance’s', async () => {
    const world = new World();
    plant(world, {}, { installation: 'cloud-b' });
    plant(world, { template: true }, { remoteId: 'source' });
    world.put({ name: 'fileserver' });
    plantStranger(world);
    assert.deepEqual(await report(world), { 'i-2-43-VM': 'on' });
  });

  it('fails while no mark names this installation, beside marks of another one', async () => {
    const world = new World();
    plant(world, { state: 'on' }, { installation: 'cloud-b' });
    world.put({ name: 'i-9-9-VM' });
    const { kind, message, advice = '' } = await failureOf(report(world));
    assert.equal(kind, 'config');
    assert.match(message, /marked by cloud-b, and none by installation "cloud-a"/);
    assert.match(advice, /set it to "cloud-b" again .*register --installation/);
  });

  it('fails for a call without an installation beside marks that name one', async () => {
    const world = new World();
    world.installation = '';
    plant(world, { state: 'on' }, { installation: '' });
    assert.deepEqual(await report(world), { [instance.name]: 'on' });
    plantStranger(world);
    assert.match((await failureOf(report(world))).message, /marked by cloud-a, and none by no /);
  });

  it('fails while no machine at all is this installation’s, quietly: before the first that is right', async () => {
    for (const put of [() => {}, (world: World) => void world.put({ name: 'fileserver' })]) {
      const world = new World();
      put(world);
      const { kind, reason } = await failureOf(report(world));
      assert.deepEqual([kind, reason], ['not-found', 'nothing-made']);
    }
  });

  it('fails for a node that is not there, and asks only where no machine is on one of its nodes', async () => {
    const world = new World();
    let asked = 0;
    world.settings = { nodes: ['n1', 'n2'] };
    world.replaced = {
      nodes: async () => {
        asked += 1;
        return ['n1', 'n3'];
      },
    };
    plant(world, { state: 'on', node: 'n1' });
    assert.match((await failureOf(report(world))).message, /no node n2/);
    plantStranger(world, { node: 'n2' });
    assert.deepEqual(Object.keys(await report(world)), [instance.name, 'i-2-43-VM']);
    assert.equal(asked, 1);
  });

  it('has the new machine of an instance whose old one is being taken away', async () => {
    const world = new World();
    plant(world, { leaving: true, state: 'off' });
    plant(world, { state: 'on' });
    assert.deepEqual(await report(world), { [instance.name]: 'on' });
  });

  it('reads the states of all machines at once where the driver can', async () => {
    const world = new World();
    plant(world, { state: 'unknown' });
    plantStranger(world, { state: 'unknown' });
    world.replaced = {
      states: async (machines) =>
        machines.map(({ name }) => (name === instance.name ? 'paused' : 'off')),
    };
    assert.deepEqual(await report(world), { [instance.name]: 'on', 'i-2-43-VM': 'off' });
  });

  it('says unknown of a machine whose state the driver leaves out', async () => {
    const world = new World();
    plant(world);
    world.replaced = { states: async () => [] };
    assert.deepEqual(await report(world), { [instance.name]: 'unknown' });
  });

  it('has a machine under the name in its mark, whatever the remote system calls it', async () => {
    const world = new World();
    plant(world, { name: 'renamed', state: 'on' });
    assert.deepEqual(await report(world), { [instance.name]: 'on' });
  });

  it('has unmarked machines that are called as instances are, and unreadable marks of any name', async () => {
    const world = new World();
    world.put({ name: 'I-2-50-vm' });
    world.put({ name: 'fileserver', mark: 'unreadable' });
    world.put({ name: 'i-2-web' });
    assert.deepEqual(await report(world), { 'I-2-50-vm': 'unknown', fileserver: 'unknown' });
  });

  it('leaves machines in doubt to the host on whose node they are', async () => {
    for (const mark of [undefined, 'unreadable'] as const) {
      const world = new World();
      world.settings = { nodes: ['a'] };
      world.put({ name: instance.name, node: 'b', mark });
      plantStranger(world, { node: 'b' });
      assert.deepEqual(await report(world), {});
    }
  });

  it('has an instance whose mark two machines carry when one of them is on a node of this host', async () => {
    const world = new World();
    world.settings = { nodes: ['a'] };
    plant(world, { node: 'a' });
    plant(world, { node: 'b' });
    assert.deepEqual(await report(world), { [instance.name]: 'unknown' });
  });

  it('fails for a machine that cannot be seen on a node of this host only, and names no other', async () => {
    const world = new World();
    world.settings = { nodes: ['a'] };
    plant(world, { node: 'a', state: 'on' });
    world.put({ remoteId: 'far', name: undefined, mark: 'unreadable', node: 'b' });
    assert.deepEqual(await report(world), { [instance.name]: 'on' });
    world.put({ remoteId: 'near', name: undefined, mark: 'unreadable', node: 'a' });
    const failure = await failureOf(report(world));
    assert.match(failure.message, /The machines near cannot be read/);
    assert.equal(failure.kind, 'upstream');
  });

  const cases: readonly (readonly [string, Partial<Stored>, Settings, boolean])[] = [
    ['on a node of this host', { node: 'a' }, { nodes: ['a'] }, true],
    [
      'on a node of another host',
      { node: 'b', home: 'a' },
      { nodes: ['a'], otherNodes: ['b'] },
      false,
    ],
    [
      'made here, on a node of no host',
      { node: 'c', home: 'a' },
      { nodes: ['a'], otherNodes: ['b'] },
      true,
    ],
    ['made elsewhere, on a node of no host', { node: 'c', home: 'b' }, { nodes: ['a'] }, false],
    ['on any node, where the host names none', { node: 'c' }, {}, true],
    ['without a node', {}, { nodes: ['a'] }, true],
  ];
  for (const [where, machine, settings, reported] of cases) {
    it(`${reported ? 'has' : 'leaves out'} a machine ${where}`, async () => {
      const world = new World();
      world.settings = settings;
      plant(world, { state: 'on', ...machine });
      assert.equal(instance.name in (await report(world)), reported);
    });
  }
});
