import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from '../../src/failure.ts';
import { type Stored, verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant, plantStranger } from './subject.ts';

/** The plan of an adoption is refused for the same reason as the adoption itself. */
async function adopt(world: World, remoteId: string): Promise<void> {
  const before = [...world.calls];
  const planned = await verbsIn(world).planAdoption(remoteId, instance).catch(messageOf);
  assert.deepEqual(world.calls, before, 'a plan marks nothing');
  const done = await verbsIn(world)
    .adopt(remoteId, instance)
    .catch((thrown) => thrown);
  if (/^Refused to (mark|touch)/.test(messageOf(done) ?? ''))
    assert.equal(planned, messageOf(done));
  else assert.equal(planned, undefined);
  if (done !== undefined) throw done;
}

function messageOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? thrown.message : undefined;
}

describe('adopt', () => {
  it('marks the machine that the operator names, and no other', async () => {
    const world = new World();
    const { remoteId } = world.put({ name: 'fileserver', state: 'on' });
    const other = world.put({ name: instance.name.toLowerCase() });
    await adopt(world, remoteId);
    assert.deepEqual(world.read(remoteId).mark, markFor(remoteId, { origin: 'adopted' }));
    assert.deepEqual(world.read(other.remoteId), other);
    assert.deepEqual(world.log, ['machine.adopted']);
  });

  const refused: readonly (readonly [string, Partial<Stored>, RegExp])[] = [
    ['carries a mark', { mark: markFor('elsewhere', { uuid: 'other' }) }, /carries a mark already/],
    ['carries a mark that cannot be read', { mark: 'unreadable' }, /carries a mark already/],
    ['is a template', { template: true }, /it is a template/],
    ['the driver excludes', { name: 'cluster' }, /it is a role of a cluster/],
  ];
  for (const [what, machine, why] of refused) {
    it(`refuses a machine that ${what}`, async () => {
      const world = new World();
      const { remoteId } = world.put({ name: 'fileserver', ...machine });
      assert.match((await failureOf(adopt(world, remoteId))).message, why);
      assert.deepEqual(world.calls, []);
    });
  }

  it('refuses an id that no machine has', async () => {
    assert.match((await failureOf(adopt(new World(), '7'))).message, /no such machine/);
  });

  it('refuses while the instance has a machine', async () => {
    const world = new World();
    plant(world);
    const { remoteId } = world.put({ name: 'fileserver' });
    assert.match((await failureOf(adopt(world, remoteId))).message, /has machine 1 already/);
  });

  it('refuses while a copy carries the mark of the instance', async () => {
    const world = new World();
    plant(world, {}, { remoteId: 'elsewhere' });
    const { remoteId } = world.put({ name: 'fileserver' });
    assert.match((await failureOf(adopt(world, remoteId))).message, /has machine 1 already/);
    assert.deepEqual(world.calls, []);
  });

  it('does not count a machine of the instance that the remote system is taking away', async () => {
    const world = new World();
    plant(world, { leaving: true });
    const { remoteId } = world.put({ name: 'fileserver' });
    await adopt(world, remoteId);
    assert.deepEqual(world.read(remoteId).mark, markFor(remoteId, { origin: 'adopted' }));
  });

  it('does not count the machine of an instance of another CloudStack', async () => {
    const world = new World();
    plant(world, {}, { installation: 'cloud-b' });
    const { remoteId } = world.put({ name: 'fileserver' });
    // As long as no mark names this installation, its id may be the one that is wrong.
    assert.match((await failureOf(adopt(world, remoteId))).message, /of the installation cloud-b/);
    assert.equal(world.read(remoteId).mark, undefined);
    plantStranger(world);
    await adopt(world, remoteId);
    assert.deepEqual(world.read(remoteId).mark, markFor(remoteId, { origin: 'adopted' }));
  });

  it('refuses with a conflict that names machine and instance', async () => {
    const failure = await failureOf(adopt(new World(), '7'));
    assert.equal(failure.kind, 'conflict');
    assert.match(failure.message, /^Refused to mark 7 for i-2-42-VM: /);
    assert.match(failure.advice ?? '', /outrigger audit/);
  });

  it('marks nothing on a machine that another call changes at that moment', async () => {
    const world = new World();
    const machine = world.put({ name: 'fileserver' });
    const theirs = markFor(machine.remoteId, { uuid: 'other' });
    world.before.set('writeMark', () => world.set(machine, { mark: theirs }));
    assert.match((await failureOf(adopt(world, machine.remoteId))).message, /was changed while/);
    assert.deepEqual(world.read(machine.remoteId).mark, theirs);
  });
});

describe('adopt with what only some drivers have', () => {
  it('reads the machine by its id, also one that no list shows', async () => {
    const world = new World();
    const { remoteId } = world.put({ name: 'fileserver' });
    world.replaced = { list: async () => [], get: async (id) => world.machines.get(id) };
    await adopt(world, remoteId);
    assert.deepEqual(world.read(remoteId).mark, markFor(remoteId, { origin: 'adopted' }));
    assert.match((await failureOf(adopt(world, 'none'))).message, /no such machine/);
  });

  it('ends only when lists show the mark', async () => {
    const world = new World();
    const { remoteId } = world.put({ name: 'fileserver' });
    world.replaced = {
      untilListed: async ({ mark }) => {
        assert.deepEqual(mark, markFor(remoteId, { origin: 'adopted' }));
        throw new Failure('timeout', 'No list shows it');
      },
    };
    assert.equal((await failureOf(adopt(world, remoteId))).kind, 'timeout');
  });
});

describe('the inventory', () => {
  it('lists every machine of every instance', async () => {
    const world = new World();
    plant(world);
    plantStranger(world);
    world.put({ name: 'fileserver' });
    const machines = await verbsIn(world).machines();
    assert.deepEqual(
      machines.map(({ name }) => name),
      ['i-2-42-VM', 'i-2-43-VM', 'fileserver'],
    );
  });
});
