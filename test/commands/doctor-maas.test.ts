import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Finding } from '../../src/commands/doctor/finding.ts';
import { runCommand } from '../../src/commands/run.ts';
import { installation } from '../conformance/cloud.ts';
import { inMaas, type MaasScene } from '../providers/maas/scene.ts';
import { payloadFor } from '../support/payloads.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Diagnosis {
  readonly code: number;
  readonly checks: readonly Finding[];
  of(name: string): Finding | undefined;
}

async function doctor({ backend }: MaasScene, words: readonly string[]): Promise<Diagnosis> {
  const folder = temporaryDirectory();
  const config = join(folder, 'config.json');
  writeFileSync(config, '{}');
  const env = { OUTRIGGER_CONFIG: config, HOME: folder };
  const world = createWorld({ registry: backend.registry, env });
  const code = await runCommand(['doctor', '--user', 'root', '--json', ...words], world);
  const { checks } = JSON.parse(world.printed()) as { checks: readonly Finding[] };
  return { code, checks, of: (name) => checks.find((each) => each.name === name) };
}

/** The payload of a create whose template chooses these details. */
function payloadOf(
  { cloud, backend }: MaasScene,
  chosen: Readonly<Record<string, string>>,
): string {
  const external = Object.entries(chosen).map(([key, value]) => [`External:${key}`, value]);
  const payload = payloadFor('create', {
    vm: { ...cloud.vm, details: Object.fromEntries(external) },
    host: {
      ...backend.details(),
      extension: { provider: 'maas', installation },
    },
    caller: undefined,
  });
  const file = join(temporaryDirectory(), 'payload.json');
  writeFileSync(file, JSON.stringify(payload));
  return file;
}

function wordsOf({ backend }: MaasScene): readonly string[] {
  const { host } = backend.details();
  return ['provider=maas', ...Object.entries(host ?? {}).map(([key, value]) => `${key}=${value}`)];
}

describe('doctor on MAAS', () => {
  it(
    'doctor looks for the image that the template of a create wants',
    inMaas({}, async (scene) => {
      const good = await doctor(scene, ['--payload', payloadOf(scene, { distro_series: 'noble' })]);
      assert.equal(good.of('instance')?.state, 'ok');
      assert.equal(good.of('images')?.state, 'ok');
      const bad = await doctor(scene, ['--payload', payloadOf(scene, { distro_series: 'plucky' })]);
      assert.equal(bad.of('images')?.state, 'fail');
      assert.equal(bad.of('images')?.found, 'not there: plucky');
      assert.equal(bad.code, 1);
    }),
  );

  it(
    'doctor looks for the image in the operator’s details, and for the one that is typed',
    inMaas({ host: { distro_series: 'ubuntu/plucky' } }, async (scene) => {
      const words = wordsOf(scene);
      assert.equal((await doctor(scene, words)).of('images')?.found, 'not there: ubuntu/plucky');
      const typed = await doctor(scene, [...words, 'virtualmachine.distro_series=jammy']);
      assert.equal(typed.of('images')?.state, 'ok');
      assert.equal(typed.of('instance')?.state, 'ok');
    }),
  );

  it(
    'doctor says which details of an instance would be refused, and of the operator',
    inMaas({ host: { allowed_series: 'ubuntu/*' } }, async (scene) => {
      const found = await doctor(scene, [
        ...wordsOf(scene),
        'virtualmachine.distro_series=centos/centos70',
        'virtualmachine.tags=a b',
      ]);
      assert.equal(found.of('instance')?.state, 'warn');
      assert.match(found.of('instance')?.found ?? '', /"allowed_series".*"tags" is "a b"/);
      const own = await doctor(scene, [...wordsOf(scene), 'hwe_kernel=new']);
      const warned = own.checks.filter(({ name, state }) => name === 'details' && state === 'warn');
      assert.deepEqual(
        warned.map(({ found }) => /"hwe_kernel" is "new"/.test(found)),
        [true],
      );
      assert.equal(own.of('instance'), undefined);
    }),
  );
});
