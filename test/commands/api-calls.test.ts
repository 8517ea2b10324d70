import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { described } from '../../fakes/cloudstack-api/genuine/index.ts';
import { startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { osType, pod, zone } from '../../fakes/cloudstack-api/state.ts';
import { readAccess } from '../../src/commands/api/access.ts';
import { asEntries, asText, createApi, onlyEntry } from '../../src/commands/api/client.ts';
import { deadlineIn } from '../../src/kit/deadline.ts';

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

/** The lines for cmk on a page that make something. */
function linesFor(page: string): string[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/^```\n([\s\S]*?)^```/gm);
  const lines = [...blocks].flatMap(([, text = '']) => text.split('\n'));
  return lines.filter((line) =>
    /^(create|add|register|update) (extension|cluster|host|template) /.test(line),
  );
}

const pages = readdirSync('docs/providers').map((name) => join('docs/providers', name));
// A page may print commands of `outrigger register` alone.
for (const page of ['README.md', ...pages].filter((each) => linesFor(each).length > 0)) {
  test(`the commands for cmk on ${page} run as they are printed, once the ids are filled in`, async (t) => {
    const lines = linesFor(page);
    assert.equal(lines.length, page === 'README.md' ? 1 : 4);
    await play(t, lines);
  });
}

/** Sends each line to a CloudStack; the ids of what was made stand for their words in the next ones. */
async function play(t: TestContext, lines: readonly string[]): Promise<void> {
  const cloud = await startCloudStack(t, '4.23.0.0');
  const credentials = cloud.credentials();
  const text = (name: string) => (name === 'credentials' ? credentials : undefined);
  const access = readAccess({ text, world: { env: {} } });
  assert.ok(access);
  const api = createApi(access, deadlineIn(10_000));
  t.after(() => api.close());
  const ids: Record<string, string> = { ZONE_ID: zone.id, POD_ID: pod.id, OS_TYPE_ID: osType.id };
  for (const line of lines) {
    const [verb = '', noun = '', ...words] = line.split(' ');
    const command = [...described.keys()].find((name) => name.toLowerCase() === `${verb}${noun}`);
    assert.ok(command, line);
    const form = words.map((word) => {
      const at = word.indexOf('=');
      assert.ok(at > 0, `"${word}" in "${line}" is no parameter`);
      return [word.slice(0, at), word.slice(at + 1)] as const;
    });
    const filled = form.map(([key, value]) => [key, ids[value] ?? value]);
    const body = await api.call(command, Object.fromEntries(filled) as Record<string, string>);
    const made = asEntries(Object.values(body).find(Array.isArray))[0] ?? onlyEntry(body);
    ids[`${noun.toUpperCase()}_ID`] = asText(made['id']);
  }
}
