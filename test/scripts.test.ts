import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

/** The scripts of package.json that play test files, with the parts of file names that they are given. */
const scripts = Object.entries<string>(
  JSON.parse(readFileSync('package.json', 'utf8')).scripts,
).flatMap(([name, command]) => {
  const parts = /^node test\/run\.mjs(.*)$/.exec(command)?.[1];
  return parts === undefined ? [] : [{ name, parts: parts.split(' ').filter(Boolean) }];
});

function filesOf(parts: readonly string[]): readonly string[] {
  const text = execFileSync(process.execPath, ['test/entries.mjs', ...parts], { encoding: 'utf8' });
  return text.trimEnd().split('\n');
}

describe('The scripts that play the tests', () => {
  it('play each file exactly once, and each script has files', () => {
    const played = scripts.map(({ parts }) => filesOf(parts));
    for (const files of played) assert.ok(files.length > 0);
    const files = readdirSync('test', { recursive: true }).map(String);
    assert.deepEqual(played.flat().sort(), files.filter((one) => /\.test\.ts$/.test(one)).sort());
  });

  it('are all played by CI', () => {
    const played = /^for part in (.*); do$/m.exec(readFileSync('.ci/run', 'utf8'))?.[1];
    assert.deepEqual(played?.split(' ').sort(), scripts.map(({ name }) => name).sort());
  });
});
