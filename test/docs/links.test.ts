import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { commands } from '../../src/commands/index.ts';

const root = resolve('.');
const left = ['node_modules', 'build', 'out', '.git'];

describe('pages', () => {
  for (const page of pagesBelow(root)) {
    it(`${relative(root, page)} leads only to pages, headings and commands that are there`, () => {
      const text = readFileSync(page, 'utf8');
      const wrong = [...brokenLinks(page, text), ...unknownCommands(text)];
      assert.deepEqual(wrong, []);
    });
  }
});

function pagesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !left.includes(name))
    .flatMap((entry) => {
      const at = join(folder, entry.name);
      if (entry.isDirectory()) return pagesBelow(at);
      return entry.name.endsWith('.md') ? [at] : [];
    });
}

/** Links within the project; other sites are not asked, for the tests run without the internet. */
function brokenLinks(page: string, text: string): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target) && !leads(page, target));
}

function leads(page: string, target: string): boolean {
  const [file = '', heading] = target.split('#');
  const at = file === '' ? page : join(dirname(page), file);
  if (!existsSync(at)) return false;
  if (heading === undefined || !statSync(at).isFile()) return heading === undefined;
  return headingsOf(readFileSync(at, 'utf8')).includes(heading);
}

/** The anchors as GitHub makes them: without punctuation, blanks as hyphens, repetitions numbered. */
function headingsOf(text: string): readonly string[] {
  const seen = new Map<string, number>();
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) => {
    const plain = title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
    const anchor = plain.trim().replace(/\s/g, '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
}

/** The commands in blocks of code that begin a line, as people copy them. */
function unknownCommands(text: string): readonly string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) => [
    ...[...block.matchAll(/^(?:\S*\/)?outrigger ([a-z]+)/gm)].flatMap(([line, word = '']) =>
      Object.hasOwn(commands, word) ? [] : [line],
    ),
    ...[...block.matchAll(/^npm run ([\w:]+)/gm)].flatMap(([line, word = '']) =>
      Object.hasOwn(scripts, word) ? [] : [line],
    ),
  ]);
}
