import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Failure } from '../../../src/failure.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { openStore } from '../../../src/providers/simulator/api/store.ts';

const clock = (): number => performance.now();
const deadline = createDeadline(clock, { endMs: 60_000, undoEndMs: 60_000 });

describe('the store of the simulator', () => {
  it('calls what the operating system refuses trouble with the store', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-store-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'machines'), 'a file in the place of the directory');
    assert.throws(
      () => openStore(folder, deadline).list(),
      (thrown) => thrown instanceof Failure && /^Could not list \S+: ENOTDIR$/.test(thrown.message),
    );
  });

  it('lets a TypeError through, so that it is logged as internal with its stack', () => {
    // Node refuses a path with a NUL before it asks the operating system for anything.
    const store = openStore('/tmp/no\0where', deadline);
    assert.throws(() => store.list(), TypeError);
    assert.throws(() => store.remove('i-2-3-VM'), TypeError);
    assert.throws(() => store.note('a line'), TypeError);
  });
});
