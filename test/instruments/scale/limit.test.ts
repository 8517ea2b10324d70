import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { builtFile } from '../../support/spawned.ts';
import { type List, lists, openList } from './lists.ts';
import { type Ended, runProcess } from './process.ts';

/*
 * CloudStack reads 65,536 bytes. A list of instances that does not fit has to fail, since an
 * instance that is missing from it counts as stopped; CloudStack then asks for each instance.
 */

/** One entry has some 24 bytes, so that these are just below 60,000 and far above. */
const fits = 2_400;
const tooMany = 2_700;

function call(list: List, action: 'status' | 'statuses', id?: number): Promise<Ended> {
  const payloadFile = list.payload(action, id);
  return runProcess({ file: builtFile, action, payloadFile, timeoutSeconds: 1800, env: list.env });
}

/** A machine that is busy may be too slow for a status, which is then unknown until the next one. */
async function powerOf(list: List, id: number): Promise<unknown> {
  for (let turn = 1; ; turn += 1) {
    const { exitCode, text } = await call(list, 'status', id);
    assert.equal(exitCode, 0, text);
    const { power_state: power } = JSON.parse(text);
    if (power !== 'PowerUnknown' || turn === 5) return power;
  }
}

describe('a list of instances at the limit of what CloudStack reads', () => {
  for (const provider of lists) {
    it(`a list near the limit is whole or fails, and leaves the single calls alone (${provider})`, async (t) => {
      const list = await openList(provider, fits);
      t.after(() => list.close());
      const whole = await call(list, 'statuses');
      assert.equal(whole.exitCode, 0, whole.text);
      const { status, power_state: powers } = JSON.parse(whole.text);
      assert.equal(status, 'success');
      assert.equal(Object.keys(powers).length, fits);
      assert.ok(Object.values(powers).every((power) => power === 'PowerOn'));
      assert.ok(whole.text.length > 55_000, `${whole.text.length} bytes are not near the limit`);

      await list.plant(fits + 1, tooMany);
      const failed = await call(list, 'statuses');
      assert.equal(failed.exitCode, 1);
      const document = JSON.parse(failed.text);
      assert.equal(document.status, 'error');
      assert.equal(document.power_state, undefined);
      assert.match(document.error, /The answer has \d+ bytes, but CloudStack can read only 60000/);
      assert.match(document.error, /CloudStack asks for each instance instead/);

      assert.equal(await powerOf(list, tooMany), 'PowerOn');
    });
  }
});
