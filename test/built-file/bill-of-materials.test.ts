import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

interface Component {
  readonly type: string;
  readonly 'bom-ref': string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses: readonly { readonly license?: { readonly id: string } }[];
  readonly purl: string;
}

interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly version: number;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** What the schema of CycloneDX 1.6 allows of a component, as far as it is used. */
const members = [
  ...['type', 'bom-ref', 'group', 'name', 'version', 'description', 'scope', 'hashes'],
  ...['licenses', 'purl'],
];
const licenceIds = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages as Readonly<
  Record<string, { readonly version: string; readonly integrity: string }>
>;

describe('The bill of materials', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bill-'));
  let tar = '';
  let text = '';
  let bill: Bill;
  before(() => {
    execFileSync(process.execPath, ['tools/package.mjs', folder], { stdio: 'pipe' });
    const made = (end: string): string =>
      join(folder, readdirSync(folder).find((name) => name.endsWith(end)) ?? '');
    tar = made('.tar.gz');
    text = readFileSync(made('.cdx.json'), 'utf8');
    bill = JSON.parse(text);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('lies in the package and beside it, and knows no time', () => {
    const inside = execFileSync('tar', ['xzOf', tar, '--wildcards', '*/outrigger.cdx.json']);
    assert.equal(inside.toString(), text);
    assert.doesNotMatch(text, /timestamp|serialNumber|\/(work|home|tmp|root)\//);
  });

  it('has what CycloneDX 1.6 demands, and nothing that it does not know', () => {
    const { bomFormat, specVersion, version, metadata, components, dependencies } = bill;
    assert.deepEqual([bomFormat, specVersion, version], ['CycloneDX', '1.6', 1]);
    assert.deepEqual(Object.keys(bill), [
      ...['$schema', 'bomFormat', 'specVersion', 'version', 'metadata', 'components'],
      'dependencies',
    ]);
    const all = [metadata.component, ...components];
    for (const each of all) {
      assert.deepEqual(
        Object.keys(each).filter((key) => !members.includes(key)),
        [],
      );
      assert.ok(each.name !== '' && /^\d+\.\d+\.\d+/.test(each.version), each.name);
      assert.ok(['application', 'library'].includes(each.type));
      assert.ok(['required', undefined].includes(each.scope));
      for (const { license } of each.licenses) assert.ok(licenceIds.includes(license?.id ?? ''));
      for (const { alg, content } of each.hashes) {
        assert.match(content, alg === 'SHA-512' ? /^[0-9a-f]{128}$/ : /^[0-9a-f]{64}$/);
      }
    }
    const refs = all.map((each) => each['bom-ref']);
    assert.equal(new Set(refs).size, refs.length, 'every reference stands for one thing');
    assert.deepEqual(dependencies.map(({ ref }) => ref).sort(), [...refs].sort());
    for (const { dependsOn } of dependencies) {
      assert.equal(new Set(dependsOn).size, dependsOn.length);
      for (const ref of dependsOn) assert.ok(refs.includes(ref), ref);
    }
  });

  it('says of every package what the lockfile says', () => {
    for (const { group, name, version, hashes, purl } of bill.components) {
      const whole = group === undefined ? name : `${group}/${name}`;
      assert.equal(purl, `pkg:npm/${whole.replace('@', '%40')}@${version}`);
      const locked = lock[`node_modules/${whole}`];
      assert.equal(version, locked?.version);
      const [{ content = '' } = {}] = hashes;
      const integrity = `sha512-${Buffer.from(content, 'hex').toString('base64')}`;
      assert.equal(integrity, locked?.integrity);
    }
  });

  it('names all that the file carries licences of, and all that the sources import', () => {
    const file = readFileSync('out/outrigger', 'utf8');
    const licensed = [...file.matchAll(/^--- (\S+) (\S+) \(([^)]+)\)$/gm)];
    const named = bill.components.map(({ name, version, licenses }) => [
      ...[name, version, licenses[0]?.license?.id],
    ]);
    assert.deepEqual(
      named,
      licensed.map(([, ...rest]) => rest),
    );
    const roots = bill.dependencies.find(
      ({ ref }) => ref === bill.metadata.component['bom-ref'],
    )?.dependsOn;
    assert.deepEqual(
      roots?.map((ref) => ref.replace(/^pkg:npm\/(.*)@.*$/, '$1')),
      [...imported()].sort(),
    );
    const sum = createHash('sha256').update(file).digest('hex');
    assert.ok(bill.metadata.component.hashes.some(({ content }) => content === sum));
  });

  it('is not made while the lockfile does not know what is in the bundle', () => {
    for (const path of [
      'node_modules/never-locked/index.js',
      'node_modules/ufo/node_modules/destr/x.js',
      // Known, but not meant to get into the file.
      'node_modules/fast-check/lib/fast-check.js',
    ]) {
      const script = `import { readFileSync } from 'node:fs';
        import { billOfMaterials } from './tools/sbom.mjs';
        const read = (name) => JSON.parse(readFileSync(name, 'utf8'));
        const given = { manifest: read('package.json'), lock: read('package-lock.json') };
        billOfMaterials({ ...given, inputs: ['src/main.ts', '${path}'], sums: {} });`;
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '-e', script],
        { encoding: 'utf8' },
      );
      assert.equal(status, 1);
      assert.match(stderr, /is in the bundle, but not in package-lock\.json/);
    }
  });
});

/** The packages that the sources ask for at run time. */
function imported(): Set<string> {
  const files = readdirSync('src', { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'));
  const found = new Set<string>();
  for (const file of files) {
    const code = readFileSync(join('src', file), 'utf8');
    for (const [, from = ''] of code.matchAll(
      /^(?:import|export) (?!type )[^'";]*? from '([^']+)'/gm,
    )) {
      if (!/^(\.|node:)/.test(from)) found.add(from);
    }
  }
  return found;
}
