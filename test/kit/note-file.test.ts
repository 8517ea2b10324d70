import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readNote, removeNote, writeNote } from '../../src/kit/note-file.ts';

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'outrigger-note-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('A note on disk', () => {
  it('is read with its age as it was written, and a second write replaces the first', (t) => {
    const path = join(directory(t), 'note');
    writeNote(path, 'first');
    writeNote(path, 'second');
    const seconds = 1_700_000_000;
    utimesSync(path, seconds, seconds);
    assert.deepEqual(readNote(path, seconds * 1000 + 250), { text: 'second', ageMs: 250 });
  });

  it('has a negative age when the clock was set back', (t) => {
    const path = join(directory(t), 'note');
    writeNote(path, '');
    const seconds = 1_700_000_000;
    utimesSync(path, seconds, seconds);
    assert.deepEqual(readNote(path, seconds * 1000 - 60_000), { text: '', ageMs: -60_000 });
  });

  it('is nothing before it was written and after it was removed', (t) => {
    const path = join(directory(t), 'note');
    assert.equal(readNote(path, 0), undefined);
    removeNote(path);
    writeNote(path, 'text');
    removeNote(path);
    assert.equal(readNote(path, 0), undefined);
  });

  it('can be read by its own user only, whatever the umask says', (t) => {
    const path = join(directory(t), 'note');
    const before = process.umask(0);
    t.after(() => process.umask(before));
    writeNote(path, 'text');
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('leaves no draft behind, neither after a write nor after one that failed', (t) => {
    const folder = directory(t);
    writeNote(join(folder, 'note'), 'text');
    assert.deepEqual(readdirSync(folder), ['note']);
    mkdirSync(join(folder, 'taken'));
    writeFileSync(join(folder, 'taken', 'file'), '');
    assert.throws(() => writeNote(join(folder, 'taken'), 'text'), { code: 'EISDIR' });
    assert.deepEqual(readdirSync(folder).sort(), ['note', 'taken']);
  });

  it('is not written where its directory is missing: the caller is told', (t) => {
    assert.throws(() => writeNote(join(directory(t), 'nowhere', 'note'), 'text'), {
      code: 'ENOENT',
    });
  });
});
