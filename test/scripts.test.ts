import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};
/** The scripts beside `npm test` that play files of their own, and what the paths of those contain. */
const others = Object.entries(scripts).flatMap(([name, command]) => {
  const part = /^node test\/run\.mjs (\S+)$/.exec(command)?.[1];
  return part === undefined ? [] : [{ name, part }];
});
const files = readdirSync('test', { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.test.ts'));

describe('The scripts that play the tests', () => {
  it('leave no file to two of them, and each has files', () => {
    assert.equal(scripts['test'], 'node test/run.mjs');
    for (const file of files) {
      const players = others.filter(({ part }) => file.includes(part));
      assert.ok(players.length < 2, `${file} is played by ${players.map(({ name }) => name)}`);
    }
    for (const { name, part } of others) {
      assert.ok(
        files.some((file) => file.includes(part)),
        `${name} plays no file`,
      );
    }
  });

  it('are all played by CI', () => {
    const played = /^for part in (.*); do$/m.exec(readFileSync('.ci/run', 'utf8'))?.[1];
    assert.deepEqual(played?.split(' ').sort(), ['test', ...others.map(({ name }) => name)].sort());
  });
});
