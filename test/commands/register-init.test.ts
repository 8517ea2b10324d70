import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { firstDetails } from '../../src/commands/register/init/first-details.ts';
import { readSetup } from '../../src/commands/register/setup.ts';
import { registry } from '../../src/providers/index.ts';
import { lab, run } from './register-lab.ts';
import { temporaryDirectory } from './scripts.ts';

describe('register --init', () => {
  it('register --init prints a setup file that register refuses until every value is chosen', async () => {
    const { code, printed, complained } = await run(['Lab One', '--init', 'sample']);
    assert.equal(code, 0);
    assert.match(printed, /^ *\/\/ Where it answers\. Example: https:\/\/s:1\n *"url": "<url>"/m);
    assert.match(complained, /Replace <zone>, <pod>, <url>, .*--plan/);
    const file = join(temporaryDirectory(), 'zone.json');
    writeFileSync(file, printed);
    assert.throws(() => readSetup(file), /is not complete: <zone>, <pod>, <url>.*to be replaced/);
    writeFileSync(file, printed.replace(/"<[a-z_]+>"/g, '"chosen"'));
    const { extension, clusters, templates } = readSetup(file);
    assert.deepEqual([extension.name, extension.provider], ['Lab One', 'sample']);
    assert.equal(clusters[0]?.hosts[0]?.details?.['url'], 'chosen');
    assert.equal(templates.length, 1);
  });

  it('register --init fills in the zone and the pod of a CloudStack that has one of each', async (t) => {
    const cloud = await lab(t);
    const words = ['Lab One', '--init', 'sample', '--credentials', cloud.credentials()];
    const { printed } = await run([...words, '--detail', 'url=https://s:1']);
    assert.match(printed, /"zone": "zone1"/);
    assert.match(printed, /"pod": "pod1"/);
    assert.match(printed, /"url": "https:\/\/s:1"/);
    assert.deepEqual(cloud.changes, []);
  });

  it('register --init refuses a secret, a detail that the provider lacks and a second task', async () => {
    const refused = async (...more: string[]) => {
      const { code, complained } = await run(['Lab One', '--init', 'sample', ...more]);
      assert.equal(code, 2);
      return complained;
    };
    assert.match(await refused('--detail', 'token=abc'), /"token" is a secret/);
    assert.match(await refused('--detail', 'colour=red'), /sample has no detail "colour"/);
    assert.match(await refused('--plan'), /--init does not go with --plan/);
  });

  it('register --init begins with details that each provider has', async () => {
    for (const [name, groups] of Object.entries(firstDetails)) {
      const provider = await registry[name]?.();
      assert.ok(provider, name);
      const known = { ...provider.settings, ...provider.blueprint };
      for (const key of groups.flat()) assert.ok(Object.hasOwn(known, key), `${name}: ${key}`);
    }
  });
});
