import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FakeMachine } from '../../fakes/maas/machine.ts';
import type { FakeMaas } from '../../fakes/maas/server.ts';
import { authorization, readApiKey } from '../../src/providers/maas/api/oauth.ts';
import { type Got, send, withFake } from './maas-http.ts';

/*
 * Conversations with a genuine MAAS 3.4.10 behind its own nginx, played again with the fake: what the
 * server answered then is what the fake has to answer.
 */

const [owner, root, juju] = [0, 1, 2];

/** Asks for an operation on the machine as one of the users. */
function ask(
  fake: FakeMaas,
  { systemId }: FakeMachine,
  op: string,
  { user = owner, body = '' } = {},
): Promise<Got> {
  return send(fake, `/machines/${systemId}/?op=${op}`, { user, body });
}

async function settled(machine: FakeMachine, status: FakeMachine['status']): Promise<void> {
  for (let turn = 0; machine.status !== status; turn += 1) {
    assert.ok(turn < 2_000, `it is still ${machine.status}, not ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A machine that a user has claimed, annotated and deployed. */
async function deployed(fake: FakeMaas, user = owner): Promise<FakeMachine> {
  const machine = fake.add();
  const body = `system_id=${machine.systemId}&agent_name=me`;
  await send(fake, '/machines/?op=allocate', { body, user });
  await ask(fake, machine, 'set_workload_annotations', { body: 'note=mine', user });
  await ask(fake, machine, 'deploy', { user });
  await settled(machine, 'deployed');
  return machine;
}

const unclaimed = "Cannot set workload annotation: it hasn't been acquired.";

describe('annotations as a genuine MAAS keeps them', () => {
  it(
    'only the owner writes them: 409 for an administrator, and for every user on a machine without one',
    withFake(async (fake) => {
      const theirs = await deployed(fake);
      const free = fake.add();
      const body = 'note=other';
      const answers = [
        await ask(fake, theirs, 'set_workload_annotations', { body, user: root }),
        await ask(fake, free, 'set_workload_annotations', { body, user: root }),
        await ask(fake, free, 'set_workload_annotations', { body }),
      ];
      for (const answer of answers) assert.deepEqual(answer, { status: 409, text: unclaimed });
      assert.deepEqual(theirs.annotations, { note: 'mine' });
    }),
  );

  it(
    'they outlive mark_broken, which takes owner, agent name and power away',
    withFake(async (fake) => {
      const machine = await deployed(fake);
      assert.equal((await ask(fake, machine, 'mark_broken', { user: root })).status, 403);
      const { status, text } = await ask(fake, machine, 'mark_broken', { body: 'comment=fan' });
      const shown = JSON.parse(text);
      assert.deepEqual([status, shown.status_name, shown.owner], [200, 'Broken', null]);
      assert.deepEqual(shown.workload_annotations, { note: 'mine' });
      assert.deepEqual([machine.agentName, machine.powered], ['', false]);
    }),
  );

  for (const [before, after, system] of [
    ['deployed', 'Deployed', ''],
    ['deploying', 'Ready', ''],
    ['failed_releasing', 'Ready', ''],
  ] as const) {
    it(
      `they outlive mark_fixed, which makes a machine that was ${before} ${after}`,
      withFake(async (fake) => {
        const machine = await deployed(fake);
        machine.status = before;
        fake.world.life.markBroken(machine, '');
        assert.equal((await ask(fake, machine, 'mark_fixed')).status, 403);
        const shown = JSON.parse((await ask(fake, machine, 'mark_fixed', { user: root })).text);
        assert.deepEqual([shown.status_name, shown.owner], [after, null]);
        assert.equal(shown.distro_series, system);
        assert.deepEqual(shown.workload_annotations, { note: 'mine' });
      }),
    );
  }

  it(
    'the next user who allocates the machine has them until the user overwrites them',
    withFake(async (fake) => {
      const machine = await deployed(fake);
      machine.status = 'deploying';
      fake.world.life.markBroken(machine, '');
      await ask(fake, machine, 'mark_fixed', { user: root });
      const body = `system_id=${machine.systemId}`;
      const { text } = await send(fake, '/machines/?op=allocate', { body, user: juju });
      const { owner: by, workload_annotations: kept } = JSON.parse(text);
      assert.deepEqual([by, kept], ['juju', { note: 'mine' }]);
    }),
  );
});

describe('rescue mode as a genuine MAAS keeps it', () => {
  it(
    'the administrator who starts it owns the machine for good, and its user is refused with 403',
    withFake(async (fake) => {
      const machine = await deployed(fake);
      assert.equal((await ask(fake, machine, 'rescue_mode')).status, 403);
      assert.equal((await ask(fake, machine, 'rescue_mode', { user: root })).status, 200);
      await settled(machine, 'rescue_mode');
      assert.equal((await ask(fake, machine, 'exit_rescue_mode', { user: root })).status, 200);
      await settled(machine, 'deployed');
      assert.deepEqual([machine.owner, machine.agentName], ['root', 'me']);
      assert.deepEqual(machine.annotations, { note: 'mine' });
      assert.equal(machine.powered, true);
      const path = `/machines/${machine.systemId}/`;
      assert.deepEqual(await send(fake, path), { status: 403, text: '' });
      assert.equal((await send(fake, '/machines/?agent_name=me')).text, '[]');
    }),
  );
});

describe('the way to a genuine MAAS', () => {
  it(
    'nginx answers 502 with a page of its own while the region restarts',
    withFake(async (fake) => {
      fake.restart(60_000);
      for (const sent of [{}, { body: 'x=1' }]) {
        const { status, text } = await send(fake, '/machines/?op=allocate', sent);
        assert.equal(status, 502);
        assert.match(text, /^<html>[\s\S]*502 Bad Gateway/);
      }
      fake.restart(0);
      assert.equal((await send(fake, '/machines/')).status, 200);
    }),
  );

  it(
    'nginx refuses two Authorization headers with 400 before MAAS sees them',
    withFake(async (fake) => {
      const key = readApiKey(fake.user.key);
      const header = [authorization(key, Date.now()), authorization(key, Date.now())];
      const { status, text } = await send(fake, '/machines/', { header });
      assert.equal(status, 400);
      assert.match(text, /^<html>/);
    }),
  );
});

describe('a deployment of a genuine MAAS', () => {
  it(
    'may lose a race for an address with 400, and the machine stays allocated',
    withFake(async (fake) => {
      const machine = fake.add({ addressRaces: 1 });
      await send(fake, '/machines/?op=allocate', { body: `system_id=${machine.systemId}` });
      assert.deepEqual(await ask(fake, machine, 'deploy'), {
        status: 400,
        text: '{"__all__":["Static IP Address with this Alloc type and IP already exists."]}',
      });
      assert.deepEqual([machine.status, machine.owner], ['allocated', 'cloudstack']);
      assert.equal((await ask(fake, machine, 'deploy')).status, 200);
    }),
  );

  it(
    'has one image for each kernel of a series, and refuses the kernels of another one',
    withFake(async (fake) => {
      const images = JSON.parse((await send(fake, '/boot-resources/')).text);
      const kernels = images
        .filter(({ name }: { name: string }) => name === 'ubuntu/noble')
        .map(({ architecture }: { architecture: string }) => architecture);
      assert.ok(kernels.includes('amd64/hwe-24.04') && !kernels.includes('amd64/hwe-22.04'));
      const machine = fake.add();
      const body = 'distro_series=ubuntu/noble&hwe_kernel=hwe-22.04';
      const { status, text } = await ask(fake, machine, 'deploy', { body });
      assert.equal(status, 400);
      assert.match(text, /hwe-22.04 is not available for ubuntu\/noble on amd64\/generic/);
    }),
  );

  it(
    'gives a machine another name for administrators only, and no name twice',
    withFake(async (fake) => {
      const machine = await deployed(fake);
      const path = `/machines/${machine.systemId}/`;
      const rename = (hostname: string, user: number): Promise<Got> =>
        send(fake, path, { method: 'PUT', body: `hostname=${hostname}`, user });
      assert.equal((await rename('web', owner)).status, 403);
      assert.equal((await rename(fake.add().hostname, root)).status, 400);
      assert.equal((await rename('a_b', root)).status, 400);
      assert.equal((await rename('web', root)).status, 200);
    }),
  );
});
