import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { described } from '../../fakes/cloudstack-api/genuine/index.ts';

const commands = join(process.cwd(), 'src/commands');

/** The calls that the sources make or print, by the file that does. */
function callsInSources(): (readonly [command: string, file: string])[] {
  const files = readdirSync(commands, { recursive: true }).map(String);
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(commands, file), 'utf8');
      const found = [
        ...text.matchAll(/(?:api\.(?:list|call)\(|command: |idOf\(api, )'([a-z]\w+)'/g),
      ];
      return found.map(([, command = '']) => [command, file] as const);
    });
}

test('register, audit and adopt make only calls that a genuine CloudStack describes in listApis', () => {
  const calls = callsInSources();
  assert.ok(new Set(calls.map(([command]) => command)).size >= 20);
  const missing = calls.filter(([command]) => !described.has(command));
  assert.deepEqual(missing, []);
});
