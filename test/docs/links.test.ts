import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { commonOptions } from '../../src/commands/arguments.ts';
import { commands } from '../../src/commands/index.ts';

const root = resolve('.');
const left = ['node_modules', 'build', 'out', '.git'];

describe('pages', () => {
  for (const page of pagesBelow(root)) {
    it(`${relative(root, page)} leads only to pages, headings and commands that are there`, async () => {
      const text = readFileSync(page, 'utf8');
      const wrong = [
        ...brokenLinks(page, text),
        ...unknownCommands(text),
        ...(await unknownOptions(text)),
      ];
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
  return blocksOf(text).flatMap((block) => [
    ...[...block.matchAll(/^(?:\S*\/)?outrigger ([a-z]+)/gm)].flatMap(([line, word = '']) =>
      Object.hasOwn(commands, word) ? [] : [line],
    ),
    ...[...block.matchAll(/^npm run ([\w:]+)/gm)].flatMap(([line, word = '']) =>
      Object.hasOwn(scripts, word) ? [] : [line],
    ),
  ]);
}

/** The blocks of code, with lines that end in a backslash joined. */
function blocksOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  return blocks.map((block) => block.replace(/\\\n\s*/g, ''));
}

const installOptions = new Set(readFileSync('install.sh', 'utf8').match(/--[a-z][a-z-]+/g));

/** Options that the command of their line does not have; a pipe or a comment ends the line. */
async function unknownOptions(text: string): Promise<readonly string[]> {
  const lines = blocksOf(text).flatMap((block) => block.split('\n'));
  const wrong = await Promise.all(
    lines.map(async (line) => {
      const [, program = '', rest = ''] =
        /^(?:sudo (?:-u \w+ )?)?(?:\S*\/)?(outrigger|install\.sh|outrigger-install) ([^|#]*)/.exec(
          line,
        ) ?? [];
      const known = program === 'outrigger' ? await optionsOf(rest) : installOptions;
      return [...rest.matchAll(/(?<=^| )--[a-z][a-z-]*/g)].flatMap(([option]) =>
        program === '' || known.has(option) ? [] : [line],
      );
    }),
  );
  return wrong.flat();
}

async function optionsOf(rest: string): Promise<ReadonlySet<string>> {
  const [word = ''] = rest.split(' ');
  const entry = Object.hasOwn(commands, word) ? commands[word] : undefined;
  const own = entry === undefined ? {} : (await entry.load()).options;
  return new Set(Object.keys({ ...own, ...commonOptions }).map((name) => `--${name}`));
}
