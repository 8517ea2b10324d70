import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openFiles } from '../../../src/providers/simulator/network/files.ts';

describe('the files of simulated networks and guests', () => {
  const drafts = (folder: string): void => {
    writeFileSync(join(folder, '.guest-1.json.abc'), '{"password":"s3cret"');
    writeFileSync(join(folder, '.guest-11.json.abc'), '{}');
  };

  it('a write and a removal clear what a killed writer of the same record has left', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-files-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const files = openFiles(folder);
    drafts(folder);
    assert.deepEqual(files.names(), []);
    files.write('guest-1', { password: 'new' });
    assert.deepEqual(readdirSync(folder).sort(), ['.guest-11.json.abc', 'guest-1.json']);
    drafts(folder);
    files.remove('guest-1');
    assert.deepEqual(readdirSync(folder), ['.guest-11.json.abc']);
    drafts(folder);
    files.remove('guest-1');
    assert.deepEqual(readdirSync(folder), ['.guest-11.json.abc']);
  });
});
