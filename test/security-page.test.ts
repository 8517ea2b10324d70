import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const page = readFileSync('docs/security.md', 'utf8');

/** Straight and curly apostrophes are one and the same here. */
function plain(text: string): string {
  return text.replace(/\\?[\u2019']/g, "'");
}

/** `test/file.test.ts`: "title of the test". */
const pointers = [...page.matchAll(/`(test\/[^`]+)`: "([^"]+)"/g)].map(
  ([, file = '', title = '']) => ({ file, title }),
);

describe('The page about security', () => {
  for (const { file, title } of pointers) {
    it(`points at a test that is there: ${file}: ${title}`, () => {
      assert.ok(plain(readFileSync(file, 'utf8')).includes(plain(title)));
    });
  }

  it('points at every file by a name that exists', () => {
    const named = [...page.matchAll(/`((?:test|src|docs)\/[^`*\s]+)`/g)].map(
      ([, name = '']) => name,
    );
    assert.deepEqual(
      named.filter((name) => !existsSync(name)),
      [],
    );
  });

  it('has a proof, or the word that there is none, in every row', () => {
    // The first table says who is who and promises nothing.
    const rows = page
      .slice(page.indexOf('## The tenant'))
      .split('\n')
      .filter((line) => /^\| (?!---|Promise)/.test(line));
    assert.ok(rows.length > 40 && pointers.length > rows.length);
    for (const row of rows) assert.match(row, /`test\/[^`]+`: "|not proved/i, row);
  });
});
