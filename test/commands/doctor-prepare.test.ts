import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { prepareChecks } from '../../src/commands/doctor/prepare.ts';
import { simulator } from '../../src/providers/simulator/index.ts';
import { temporaryDirectory } from './scripts.ts';

const folder = temporaryDirectory();
let files = 0;

function logOf(...calls: readonly (readonly [action: string, vm: string, provider?: string])[]) {
  files += 1;
  const file = join(folder, `${files}.log`);
  const lines = calls.map(([action, vm, provider = 'simulator']) =>
    JSON.stringify({ time: '2026-11-30T12:00:00Z', event: 'call', action, vm, provider }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('an extension that was registered without prepare', () => {
  test('is found by the creates that were logged, with the call that mends it', () => {
    const log = logOf(['create', 'a'], ['status', 'a'], ['create', 'b'], ['prepare', 'c', 'maas']);
    const [check, ...none] = prepareChecks(simulator, log);
    assert.deepEqual(none, []);
    assert.equal(check?.state, 'warn');
    assert.match(check?.found ?? '', /created 2 instances without calling prepare/);
    assert.match(check?.advice ?? '', /orchestratorrequirespreparevm=true/);
  });

  test('is not suspected where prepare is called, not needed, or nothing was created yet', () => {
    const called = logOf(['prepare', 'a'], ['create', 'a'], ['create', 'killed']);
    assert.equal(prepareChecks(simulator, called)[0]?.state, 'ok');
    assert.deepEqual(prepareChecks(simulator, logOf(['status', 'a'])), []);
    assert.deepEqual(prepareChecks(simulator, join(folder, 'nowhere.log')), []);
    assert.deepEqual(prepareChecks({ ...simulator, prepares: false }, logOf(['create', 'a'])), []);
  });
});
