import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from '../../failure.ts';
import type { CommandCall } from '../command.ts';

type Language = 'bash' | 'python' | 'go';

const skeletons: Readonly<Record<Language, () => Promise<{ readonly default: string }>>> = {
  bash: () => import('./skeletons/skeleton.bash'),
  python: () => import('./skeletons/skeleton.py'),
  go: () => import('./skeletons/skeleton.go'),
};

/** `outrigger driver init NAME --language LANGUAGE`: a driver that works, for its author to change. */
export async function init({ positionals, text, world }: CommandCall): Promise<number> {
  const [, name = ''] = positionals;
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(name)) {
    throw new Failure(
      'usage',
      'Give the driver a name: a small letter, then small letters, digits and -',
    );
  }
  const language = languageOf(text('language'));
  const source = (await skeletons[language]()).default.split('NAME').join(name);
  const folder = resolve(`${name}-machines`);
  const file = language === 'go' ? `${name}.go` : name;
  const settings = { settings: { folder }, blueprint: { template: 'blank' } };
  write(file, source, language === 'go' ? 0o644 : 0o755);
  write(`${name}.json`, `${JSON.stringify(settings, undefined, 2)}\n`, 0o644);
  write(`${name}.test.sh`, testFor(name, language), 0o755);
  mkdirSync(folder, { recursive: true });
  world.out(
    `${file}: the driver, which works as it stands. HERE marks the lines that know your system.`,
  );
  world.out(`${name}.json: the settings for trying it, and ${name}-machines/ for its machines.`);
  world.out(`${name}.test.sh: its test. Run it now, and after every change.`);
  return 0;
}

function languageOf(text = 'bash'): Language {
  const found = (Object.keys(skeletons) as Language[]).find((each) => each === text);
  if (found !== undefined) return found;
  throw new Failure('usage', `There is no skeleton in "${text}"`, {
    advice: 'There are: bash, python, go. Any other language works as well',
  });
}

function write(file: string, content: string, mode: number): void {
  if (existsSync(file)) throw new Failure('usage', `${file} is there already`);
  writeFileSync(file, content, { mode });
}

function testFor(name: string, language: Language): string {
  const build = language === 'go' ? `go build -o ${name} ${name}.go\n` : '';
  return `#!/bin/sh\n# Whether the driver keeps every rule.\nset -e\ncd "$(dirname "$0")"\n${build}exec "\${OUTRIGGER:-outrigger}" driver check ./${name} --settings ${name}.json\n`;
}
