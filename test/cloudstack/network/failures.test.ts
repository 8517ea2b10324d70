import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '../recorded.ts';
import { callNetwork, newPlace, play, recorded } from './recorded.ts';

describe('a network command that fails', () => {
  it('is logged once while CloudStack repeats it, and each answer names that line', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    const failing = { fail_actions: 'save-vm-data' };
    const texts: string[] = [];
    for (let round = 0; round < 11; round += 1) {
      const { exitCode, text } = await play(place, 'l2-deploy-save-vm-data', failing);
      assert.equal(exitCode, 1);
      texts.push(text);
    }
    const errors = place.log().filter(({ event, level }) => event === 'call' && level === 'error');
    assert.equal(errors.length, 1);
    const [{ ref = '' } = {}] = errors;
    for (const text of texts) assert.match(text, new RegExp(`\\(ref ${String(ref)}\\)`));
    const other = { ...failing, fail_kind: 'denied' };
    const { text } = await play(place, 'l2-deploy-save-vm-data', other);
    assert.equal(text.includes(String(ref)), false, 'another reason is another line');
  });

  it('names every mistake in its registration at once, in the words of the operator', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    const details = { installation: '', delay_ms: 'soon', fail_kind: 'loud' };
    const { text } = await play(place, 'l2-deploy-save-vm-data', details);
    assert.match(text, /network registration detail \\"delay_ms\\"/);
    assert.match(text, /\\"fail_kind\\"/);
    assert.match(text, /\\"installation\\" is missing/);
    const unknown = await play(place, 'l2-deploy-save-vm-data', { provider: 'proxmocks' });
    assert.match(unknown.text, /no provider \\"proxmocks\\"/);
    assert.match(unknown.text, /updateRegisteredExtension/);
  });

  it('answers within its own time although the remote system does not', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    const slow = { slow_task_ms: '60000' };
    const payload = recorded('isolated-first-deploy-implement-network', slow);
    const { exitCode, text } = await callNetwork(place, 'implement-network', payload, {
      timeoutSeconds: 2,
    });
    assert.equal(exitCode, 1);
    assert.match(text, /Gave up after .* making network/);
    const again = await play(place, 'isolated-first-deploy-implement-network');
    assert.equal(again.exitCode, 0, 'the network that was begun was taken back');
  });
});

describe('shutdown-network and destroy-network', () => {
  it('succeed for what was never made, and in the middle of other failures', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    for (const name of ['isolated-gc-shutdown-network', 'isolated-delete-destroy-network']) {
      assert.equal((await play(place, name)).exitCode, 0);
    }
  });
});

describe('the network action ShowNetwork', () => {
  it('tells of the remote network in one document, and an unknown action is refused', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    const payload = recorded('network-custom-action');
    const show = (): Promise<{ readonly text: string }> =>
      callNetwork(place, 'custom-action', { ...payload, action: 'ShowNetwork' });
    assert.match((await show()).text, /"Remote network","Value":"none"/);
    const id = { network_id: payload['network_id'] } as Json;
    const implement = recorded('nx-l2-implement-network');
    await callNetwork(place, 'implement-network', {
      ...implement,
      payload: { ...(implement['payload'] as Json), ...id },
    });
    assert.match((await show()).text, /"Remote network","Value":"or/);
    const refused = await callNetwork(place, 'custom-action', recorded('vpc-custom-action'));
    assert.match(refused.text, /no actions on VPCs/);
  });
});
