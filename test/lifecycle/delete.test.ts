import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verbsIn, World } from './memory-driver.ts';
import { failureOf, instance, markFor, plant, plantStranger } from './subject.ts';

describe('delete', () => {
  it('removes the machine and leaves every other alone', async () => {
    const world = new World();
    plant(world, { state: 'on' });
    const stranger = plantStranger(world);
    await verbsIn(world).delete(instance);
    assert.deepEqual([...world.machines.values()], [stranger]);
  });

  it('gives an adopted machine back, off and without its mark', async () => {
    const world = new World();
    const { remoteId } = plant(world, { state: 'on' }, { origin: 'adopted' });
    await verbsIn(world).delete(instance);
    const { state, mark, disk } = world.read(remoteId);
    assert.deepEqual([state, mark, disk], ['off', undefined, 'own']);
    assert.ok(world.log.includes('machine.released'));
  });

  it('gives an adopted machine back although it is protected', async () => {
    const world = new World();
    const { remoteId } = plant(world, { protected: true }, { origin: 'adopted' });
    await verbsIn(world).delete(instance);
    assert.equal(world.read(remoteId).mark, undefined);
  });

  it('asks no guest of an adopted machine before it is given back', async () => {
    const world = new World();
    plant(world, { state: 'on' }, { origin: 'adopted' });
    await verbsIn(world).delete(instance);
    assert.deepEqual(world.calls, ['cutPower', 'ensureStaysOff', 'writeMark']);
  });

  it('gives an adopted machine back where switching it off changes its version too', async () => {
    const world = new World();
    const machine = plant(world, { state: 'on' }, { origin: 'adopted' });
    const { mark } = machine;
    // As a remote system whose versions cover the power: the write over what was read before is lost.
    world.before.set('writeMark', () => {
      if (typeof mark === 'object')
        world.set(machine, { mark: { ...mark, name: `${mark.name} ` } });
    });
    await verbsIn(world).delete(instance);
    const { state, mark: left } = world.read(machine.remoteId);
    assert.deepEqual([state, left], ['off', undefined]);
  });

  it('keeps the mark of an adopted machine that another call changes at that moment', async () => {
    const world = new World();
    const machine = plant(world, {}, { origin: 'adopted' });
    const theirs = markFor(machine.remoteId, { uuid: 'other' });
    world.before.set('writeMark', () => world.set(machine, { mark: theirs }));
    assert.match((await failureOf(verbsIn(world).delete(instance))).message, /was changed while/);
    assert.deepEqual(world.read(machine.remoteId).mark, theirs);
  });

  it('removes an adopted machine where the operator says so', async () => {
    const world = new World();
    world.settings = { deleteAdopted: true };
    plant(world, {}, { origin: 'adopted' });
    await verbsIn(world).delete(instance);
    assert.equal(world.machines.size, 0);
  });

  it('respects the protection of a finished machine', async () => {
    const world = new World();
    plant(world, { protected: true });
    assert.match((await failureOf(verbsIn(world).delete(instance))).message, /is protected/);
    assert.equal(world.machines.size, 1);
  });

  it('removes an unfinished machine whatever protection its template gave it', async () => {
    const world = new World();
    plant(world, { protected: true }, { state: 'building' });
    await verbsIn(world).delete(instance);
    assert.equal(world.machines.size, 0);
  });

  it('sends a machine off again that got stuck while it was being taken away', async () => {
    const world = new World();
    plant(world, { leaving: true });
    await verbsIn(world).delete(instance);
    assert.deepEqual([world.calls, world.machines.size], [['destroy'], 0]);
  });
});
