import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { createWorld } from '../commands/world.ts';

const lacking = (file: string): string | false => !existsSync(file) && `there is no ${file}`;
const inCi = process.env['CI'] !== undefined;
const go = ['/usr/local/go/bin/go', '/usr/bin/go'].find((path) => existsSync(path));

const languages = {
  bash: { skip: !inCi && lacking('/usr/bin/jq'), build: () => {} },
  python: { skip: !inCi && lacking('/usr/bin/python3'), build: () => {} },
  go: {
    skip: go === undefined && 'there is no Go',
    build(folder: string) {
      const env = { ...process.env, GOCACHE: join(folder, 'cache'), GOFLAGS: '-mod=mod' };
      const words = ['build', '-o', 'mine', 'mine.go'];
      execFileSync(go ?? '', words, { env, cwd: folder });
    },
  },
};

/** Writes the driver and checks it; answers the report. */
async function checked(
  language: keyof typeof languages,
  ...more: readonly string[]
): Promise<string> {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-skeleton-'));
  const world = createWorld({ env: { NO_COLOR: '1', OUTRIGGER_CONFIG: '/nowhere' } });
  try {
    process.chdir(folder);
    await runCommand(['driver', 'init', 'mine', '--language', language], world);
    languages[language].build(folder);
    await runCommand(['driver', 'check', './mine', '--settings', 'mine.json', ...more], world);
    return world.printed();
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('The driver that init writes', () => {
  for (const language of Object.keys(languages) as (keyof typeof languages)[]) {
    const { skip } = languages[language];
    it(`in ${language} may be trusted as it stands`, { skip }, async () => {
      const quick = /^\.\/mine may be trusted as far as --quick looks: it keeps 14 rules/m;
      assert.match(await checked(language, '--quick'), quick);
    });
  }

  it('in python keeps every rule, whenever it is interrupted', {
    skip: languages.python.skip,
  }, async () => {
    assert.match(await checked('python'), /^\.\/mine may be trusted: it keeps 20 rules/m);
  });
});
