import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { FakeCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { osType } from '../../fakes/cloudstack-api/state.ts';
import { basics, extensionOf, lab, type Ran, register, run } from './register-lab.ts';
import { temporaryDirectory } from './scripts.ts';

const folder = temporaryDirectory();
mkdirSync(join(folder, 'secrets'));
const config = join(folder, 'config.json');
writeFileSync(config, JSON.stringify({ secrets_directory: join(folder, 'secrets') }));

let files = 0;

/** `register --setup` with one host and one template. */
function setUp(cloud: FakeCloudStack, parts: Parts, ...more: string[]): Promise<Ran> {
  files += 1;
  const file = join(folder, `zone-${files}.json`);
  const { host = {}, extension = {}, template, name = 'node1', provider = 'sample' } = parts;
  const own = { url: 'https://n1:1', token_file: 'node1', ...host };
  const templates = template === undefined ? [] : [template];
  const setup = {
    extension: { name: 'Lab One', provider, details: extension },
    ...{ zone: 'zone1', pod: 'pod1' },
    clusters: [{ name: 'lab', hosts: [{ name, details: own }] }],
    templates: templates.map((details) => ({ name: 'deb', ostype: osType.description, details })),
  };
  writeFileSync(file, JSON.stringify(setup));
  const given = ['--setup', file, '--credentials', cloud.credentials(), ...more];
  return run(given, { OUTRIGGER_CONFIG: config });
}

interface Parts {
  readonly host?: object;
  readonly extension?: object;
  readonly template?: object;
  readonly name?: string;
  readonly provider?: string;
}

describe('register checks what CloudStack has room for', () => {
  const pins = Array.from({ length: 4 }, (_, at) => `${at}`.repeat(95)).join(',');

  test('register refuses a host detail beyond 255 characters and says where it fits', async (t) => {
    const cloud = await lab(t, '4.23.0.0');
    const { code, complained } = await setUp(cloud, { host: { allowed_shapes: pins } });
    assert.equal(code, 2);
    assert.match(complained, /host node1: the detail "allowed_shapes" has 383 characters/);
    assert.match(complained, /CloudStack 4\.23\.0\.0 keeps 255 there/);
    assert.match(complained, /fits as a detail of the extension or of the cluster registration/);
    assert.deepEqual(cloud.changes, []);
    assert.equal((await setUp(cloud, { extension: { allowed_shapes: pins } })).code, 0);
    assert.equal(extensionOf(cloud).details['allowed_shapes'], pins);
  });

  test('register refuses the same detail of an extension before 4.23, where 255 characters are kept', async (t) => {
    const cloud = await lab(t, '4.22.1.0');
    const { complained } = await setUp(cloud, { extension: { allowed_shapes: pins } });
    assert.match(complained, /extension Lab One: the detail "allowed_shapes" has 383/);
    assert.match(complained, /Shorten "allowed_shapes"/);
    assert.deepEqual(cloud.changes, []);
  });

  test('register shows the file for a secret that is too long for a detail', async (t) => {
    const cloud = await lab(t);
    const { complained } = await setUp(cloud, { host: { token: 's'.repeat(300) } });
    assert.match(complained, /give token_file=NAME/);
    assert.doesNotMatch(complained, /sss/);
  });

  test('register reads again what it wrote, and says what CloudStack has not kept', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const extension = extensionOf(cloud);
    let details = { ...extension.details, url: 'https://old:1' };
    Object.defineProperty(extension, 'details', {
      get: () => details,
      set: (given: Record<string, string>) => {
        details = { ...given, url: (given['url'] ?? '').slice(0, 9) } as typeof details;
      },
    });
    const { code, complained } = await register(cloud);
    assert.equal(code, 1);
    assert.match(complained, /has not kept what was written: extension Lab One \(detail url\)/);
  });
});

describe('register reads details as a call would', () => {
  const wrong: readonly (readonly [string, Parts, RegExp])[] = [
    [
      'a value that does not parse',
      { host: { verify: 'perhaps' } },
      /host node1: host detail "verify" is "perhaps" and/,
    ],
    ['a required setting that is missing', { host: { url: '' } }, /host node1: "url" is missing/],
    [
      'a mistyped key',
      { extension: { allowed_shape: 'a' } },
      /extension detail "allowed_shape" is unknown; did you mean "allowed_shapes"/,
    ],
    [
      'a mistyped key of a template',
      { template: { shap: 'round' } },
      /template deb: detail "shap" is unknown; did you mean "shape"/,
    ],
    [
      'a value of a template',
      { template: { size_gb: 'many' } },
      /template deb: instance detail "size_gb" is "many"/,
    ],
    [
      'a template beyond the limits',
      { extension: { allowed_shapes: 'sq*' }, template: { shape: 'round' } },
      /template deb: .*"shape" is "round" and is not allowed by the operator's "allowed_shapes"/,
    ],
    [
      'a default of the operator',
      { extension: { shape: 'flat' } },
      /extension detail "shape" is "flat" and/,
    ],
  ];
  for (const [what, parts, complaint] of wrong) {
    test(`register refuses ${what} before anything is changed`, async (t) => {
      const cloud = await lab(t);
      const { code, complained } = await setUp(cloud, parts);
      assert.match(complained, complaint);
      assert.equal(code, 2);
      assert.deepEqual(cloud.changes, []);
    });
  }

  test('register takes a secret in a file of the servers for given, though it is not here', async (t) => {
    const cloud = await lab(t);
    const { code, complained } = await setUp(cloud, { template: { shape: 'round' } });
    assert.equal(code, 0, complained);
  });

  test('register checks hosts that it does not name with what it changes for them', async (t) => {
    const cloud = await lab(t);
    await setUp(cloud, {});
    const before = cloud.changes.length;
    const given = [...basics, '--credentials', cloud.credentials(), '--detail'];
    const { code, complained } = await run([...given, 'verify=perhaps']);
    assert.equal(code, 2);
    assert.match(complained, /host node1: extension detail "verify"/);
    assert.equal(cloud.changes.length, before);
  });

  test('register notes what was wrong before it, and lets it be mended step by step', async (t) => {
    const cloud = await lab(t);
    await setUp(cloud, {});
    const [host] = cloud.state.hosts;
    assert.ok(host);
    host.details['External:verify'] = 'perhaps';
    const { code, printed } = await register(cloud);
    assert.equal(code, 0);
    assert.match(printed, /Already wrong before: host node1: host detail "verify"/);
  });

  test('register notes a detail that nothing reads', async (t) => {
    const cloud = await lab(t);
    const { code, printed } = await setUp(cloud, { extension: { rack_colour: 'red' } });
    assert.equal(code, 0);
    assert.match(printed, /extension detail "rack_colour" is read by nothing/);
  });

  test('register warns of a change after which a host may not see its machines any more', async (t) => {
    const cloud = await lab(t);
    await setUp(cloud, {});
    const { code, printed } = await setUp(cloud, { host: { url: 'https://other:1' } });
    assert.equal(code, 0);
    const told = printed.replace(/\s+/g, ' ');
    assert.match(
      told,
      /host node1: url decides which machines are its own\. .* `outrigger audit` at once/,
    );
  });

  test('register refuses another provider for an extension that has hosts', async (t) => {
    const cloud = await lab(t);
    await setUp(cloud, {});
    const before = cloud.changes.length;
    const given = ['Lab One', '--provider', 'simulator', '--credentials', cloud.credentials()];
    const { code, complained } = await run(given);
    assert.equal(code, 1);
    assert.match(complained, /serves the hosts node1 as sample, and their machines would be lost/);
    cloud.state.showsHostDetails = false;
    assert.match((await run(given)).complained, /serves the hosts node1 as sample/);
    assert.equal(cloud.changes.length, before);
    cloud.state.hosts.length = 0;
    assert.equal((await run(given)).code, 0);
  });
});

describe('register and zones without an image store', () => {
  test('register refuses the first template of a zone without an image store, and names the remedy', async (t) => {
    const cloud = await lab(t);
    const [zone] = cloud.state.zones;
    assert.ok(zone);
    zone.imageStores = 0;
    const { code, complained } = await setUp(cloud, { template: { shape: 'round' } });
    assert.equal(code, 1);
    assert.match(complained, /zone1 has no image store.*would break listTemplates/);
    assert.match(complained, /addImageStore zoneid=ID provider=NFS url=nfs:/);
    assert.deepEqual(cloud.changes, []);
    assert.equal((await setUp(cloud, {})).code, 0, 'without a template there is nothing to fear');
  });

  test('register does not depend on templates of other extensions that break every list', async (t) => {
    const cloud = await lab(t);
    await setUp(cloud, { template: { shape: 'round' } });
    const elsewhere = { id: 'z2', name: 'zone2', pods: [], imageStores: 0 };
    cloud.state.zones.push(elsewhere);
    const broken = { id: 'b', name: 'deb', extensionId: 'other', zoneId: 'z2', details: {} };
    cloud.state.templates.push(broken);
    const { code, printed } = await setUp(cloud, { template: { shape: 'square' } });
    assert.equal(code, 0);
    assert.match(printed, /~ template deb\n {4}detail shape: round -> square/);
    assert.deepEqual(cloud.state.templates[0]?.details, { 'External:shape': 'square' });
    const { id } = extensionOf(cloud);
    cloud.state.templates[1] = { ...broken, extensionId: id };
    const own = await setUp(cloud, { template: { shape: 'round' } });
    assert.match(own.complained, /cannot list templates: one of them .* without an image store/);
    assert.match(own.complained, /addImageStore/);
  });
});
