import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Stored, verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant, plantStranger } from './subject.ts';

async function adopt(world: World, remoteId: string): Promise<void> {
  await verbsIn(world).adopt(remoteId, instance);
}

describe('adopt', () => {
  it('marks the machine that the operator names, and no other', async () => {
    const world = new World();
    const { remoteId } = world.put({ name: 'fileserver', state: 'on' });
    const other = world.put({ name: instance.name.toLowerCase() });
    await adopt(world, remoteId);
    assert.deepEqual(world.read(remoteId).mark, markFor(remoteId, { origin: 'adopted' }));
    assert.deepEqual(world.read(other.remoteId), other);
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

  it('marks nothing on a machine that another call changes at that moment', async () => {
    const world = new World();
    const machine = world.put({ name: 'fileserver' });
    const theirs = markFor(machine.remoteId, { uuid: 'other' });
    world.before.set('writeMark', () => world.set(machine, { mark: theirs }));
    assert.match((await failureOf(adopt(world, machine.remoteId))).message, /was changed while/);
    assert.deepEqual(world.read(machine.remoteId).mark, theirs);
  });
});

describe('the inventory', () => {
  it('lists every machine of every instance', async () => {
    const world = new World();
    plant(world);
    plantStranger(world);
    world.put({ name: 'fileserver' });
    assert.equal((await verbsIn(world).machines())?.length, 3);
  });
});
