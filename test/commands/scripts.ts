import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

const made: string[] = [];
after(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** A directory that is gone when the file's tests are over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'outrigger-test-'));
  made.push(directory);
  return directory;
}

/** An executable with this text; a shell script unless it begins with a shebang of its own. */
export function executable(body: string, mode = 0o755): string {
  const path = join(temporaryDirectory(), 'extension');
  writeFileSync(path, body.startsWith('#!') ? body : `#!/bin/sh\n${body}\n`, { mode });
  return path;
}

/** An executable of test/commands/fixtures; tests run in the project's root. */
export function fixture(name: string): string {
  return join(process.cwd(), 'test/commands/fixtures', name);
}
