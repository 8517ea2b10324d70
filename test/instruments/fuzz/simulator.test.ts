import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { registry } from '../../../src/providers/index.ts';
import { makeBench } from './bench-place.ts';
import { examples } from './example.ts';
import { tryMany } from './runs.ts';
import { checkForm, checkPrototypes, checkSecrets } from './verdict.ts';

const customs = [
  'Reset',
  'ListSnapshots',
  'CreateSnapshot',
  'RestoreSnapshot',
  'Reinstall',
  'GetIpAddresses',
];

describe('The simulator', () => {
  const bench = makeBench(registry);
  after(() => bench.remove());

  it('the simulator answers every call once, without a secret and without an internal error', async () => {
    const calls = examples('simulator', customs);
    let done = 0;
    await tryMany('simulator', calls, { few: 100, long: 5000 }, async (example) => {
      const { output, exitCode, log } = await bench.run(example);
      const { error = '' } = checkForm({ output, exitCode });
      assert.doesNotMatch(String(error), /should not happen/);
      checkSecrets(output, log);
      checkPrototypes();
      if (exitCode === 0) done += 1;
    });
    assert.ok(done >= 10, `only ${done} calls got as far as a machine`);
  });
});
