import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '../recorded.ts';
import { recorded as orchestrators } from '../recorded.ts';
import { callNetwork, newPlace, recorded, registrationKey, withFields } from './recorded.ts';

describe('the two halves of CloudStack', () => {
  it('are told apart by the payload and never by the word on the command line', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    const ofNetwork = recorded('l2-deploy-save-vm-data');
    const ofInstance = orchestrators('create', 'simulator');
    const ask = async (word: string, payload: Json): Promise<string> =>
      (await callNetwork(place, word, payload)).text;
    assert.match(await ask('create', ofNetwork), /no network command \\"create\\"/);
    assert.match(await ask('save-vm-data', ofInstance), /no action \\"save-vm-data\\"/);
    const action = { ...ofInstance, action: 'save-vm-data', parameters: {} };
    assert.match(await ask('save-vm-data', action), /save-vm-data/);
    assert.deepEqual(place.log().filter(({ network }) => network !== undefined).length, 1);
  });

  it('both refuse a payload that is none, at once and with exit code 1', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    const key = registrationKey;
    const broken = ['', '[]', 'null', '{"a":', { [key]: 'x' }, { [key]: {}, payload: [] }, {}];
    for (const payload of broken) {
      for (const word of ['ensure-network-device', 'save-vm-data', 'shutdown-network']) {
        const { exitCode, text } = await callNetwork(place, word, payload);
        assert.equal(exitCode, 1, `${word} ${JSON.stringify(payload)}`);
        assert.equal((JSON.parse(text) as Json)['status'], 'error');
      }
    }
  });

  it('refuse an unknown network command and suggest the one that may be meant', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    const payload = recorded('l2-stop-release-nic');
    const { exitCode, text } = await callNetwork(place, 'release-nics', payload);
    assert.equal(exitCode, 1);
    assert.match(text, /did you mean \\"release-nic\\"/);
  });
});

describe('ensure-network-device', () => {
  it('prints nothing, whatever CloudStack has stored and whatever is wrong', async (t) => {
    const place = newPlace();
    t.after(place.remove);
    const whole = recorded('isolated-ensure-with-current-details');
    const { 'network-extension-details': _, ...without } = whole;
    const cases: readonly Json[] = [
      whole,
      without,
      recorded('vpc-create-ensure-network-device'),
      recorded('l2-deploy-ensure-network-device', { provider: 'nosuch', installation: '' }),
      ...['', '{}', '[1]', 'poison', '{"a":1}{"b":2}'].map((current_details) =>
        withFields(whole, { current_details }),
      ),
    ];
    for (const payload of cases) {
      const answer = await callNetwork(place, 'ensure-network-device', payload);
      assert.deepEqual(answer, { exitCode: 0, text: '' }, JSON.stringify(payload));
    }
  });
});
