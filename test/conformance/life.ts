import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SetUp } from './backend.ts';
import { inScene } from './cloud.ts';

/**
 * One short life, in seconds: enough to see that the provider still talks with a genuine server. The
 * whole suite on it takes minutes, and a script of its own plays that.
 */
export function shortLife(name: string, setUp: SetUp): void {
  describe(`${name} serves a short life`, () => {
    it(
      'an instance that is created twice is one machine, which is reported, stops, starts and is deleted',
      inScene(setUp, async ({ cloud, backend }) => {
        const reported = async () => (await cloud.ok('statuses')).document['power_state'];
        const before = await backend.machines();
        await cloud.deploy();
        const { remoteId, power } = await cloud.machine();
        assert.equal(power, 'on');
        await cloud.ok('create');
        assert.equal((await cloud.machine()).remoteId, remoteId);
        assert.equal((await backend.machines()).length, before.length + 1);
        assert.deepEqual(await reported(), { [cloud.vm.name]: 'PowerOn' });
        await cloud.ok('stop');
        assert.equal((await cloud.machine()).power, 'off');
        assert.deepEqual(await reported(), { [cloud.vm.name]: 'PowerOff' });
        await cloud.ok('start');
        assert.equal((await cloud.machine()).power, 'on');
        await cloud.ok('delete');
        assert.deepEqual(await backend.machines(), before);
      }),
    );
  });
}
