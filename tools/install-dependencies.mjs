import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

// `npm test` on a fresh clone brings what it needs itself.
if (!existsSync(new URL('../node_modules/.package-lock.json', import.meta.url))) {
  execFileSync('npm', ['ci'], { stdio: 'inherit' });
}
