import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Failure, hasReason } from '../../src/failure.ts';
import { createMemo, memoKey } from '../../src/kit/memo.ts';

function memoIn(directory: string, key = 'key') {
  const clean = (text: string): string => text;
  const own = { uid: process.getuid?.() ?? 0, mayCreate: true, clean };
  return createMemo({ directory, seconds: 30, ...own }, async () => key, Date.now);
}

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'outrigger-memo-'));
  t.after(() => rmSync(made, { recursive: true }));
  return join(made, 'memo');
}

describe('the failure memo', () => {
  it('keeps an endpoint under a keyed SHA-256, so that the name of its file gives no secret away', async (t) => {
    const identity = JSON.stringify(['proxmox', { url: 'https://pve1', secret: 'hunter2' }]);
    const key = await memoKey(identity);
    assert.match(key, /^[\w-]{43}$/);
    assert.equal(key, await memoKey(identity), 'every process comes to the same key');
    assert.notEqual(key, await memoKey(identity.replace('hunter2', 'hunter3')));
    const { createHash } = await import('node:crypto');
    assert.notEqual(key, createHash('sha256').update(identity).digest('base64url'));
    const directory = folder(t);
    await memoIn(directory, key).remember(new Failure('unreachable', 'PVE does not answer'));
    assert.deepEqual(readdirSync(directory), [`${key}.json`]);
  });

  it('repeats what it was told, as a failure that says so to code', async (t) => {
    const memo = memoIn(folder(t));
    await memo.remember(new Failure('unreachable', 'PVE does not answer'));
    const again = await memo.recall();
    assert.equal(hasReason(again, 'remembered'), true);
    assert.match(again?.message ?? '', /^PVE does not answer \(seen 0 s ago, not asked again\)$/);
  });

  it('takes a file that holds something else for no memo', async (t) => {
    const directory = folder(t);
    const memo = memoIn(directory);
    await memo.remember(new Failure('unreachable', 'PVE does not answer'));
    for (const text of ['', 'null', '{"kind":"unreachable"', '{"kind":1,"message":2}', '[]']) {
      writeFileSync(join(directory, 'key.json'), text);
      assert.equal(await memo.recall(), undefined, text);
    }
  });

  it('costs no call anything where it cannot be kept, and lets a TypeError through', async (t) => {
    const nowhere = memoIn(join(folder(t), 'not/there'));
    await nowhere.remember(new Failure('unreachable', 'PVE does not answer'));
    await nowhere.forget();
    assert.equal(await nowhere.recall(), undefined);
    // Node refuses a path with a NUL before it asks the operating system for anything.
    const mistaken = memoIn('/tmp/no\0where');
    await assert.rejects(mistaken.recall(), TypeError);
  });

  it('makes no key, and so loads no crypto, for a call that meets no memo and leaves none', async (t) => {
    const clean = (text: string): string => text;
    const own = { uid: process.getuid?.() ?? 0, mayCreate: true, clean };
    const key = (): Promise<string> => assert.fail('a key was made');
    const memo = createMemo({ directory: folder(t), seconds: 30, ...own }, key, Date.now);
    assert.equal(await memo.recall(), undefined);
    await memo.forget();
  });
});
