import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { installation } from '../conformance/cloud.ts';
import { inMaas, type MaasScene } from '../providers/maas/scene.ts';
import { admin } from '../support/payloads.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

/** Runs the command with the details that the built-in extension's host has, and no others. */
async function run(
  { cloud, fake }: MaasScene,
  words: readonly string[],
  more: { readonly user?: number; readonly installation?: string } = {},
) {
  const folder = temporaryDirectory();
  const file = join(folder, 'inventory.json');
  const { uuid, name, nics, details } = cloud.vm;
  const id = details['External:maas_system_id'];
  const extension = { provider: 'maas', installation: more.installation ?? installation };
  const host = { endpoint: fake.url, apikey: fake.users[more.user ?? 0]?.key ?? '' };
  const instance = {
    ...{ uuid, name, state: 'Running', nics: nics.map(({ mac }) => ({ mac })) },
    details: id === undefined ? {} : { 'External:maas_system_id': id },
  };
  const hosts = [{ name: 'maas1', extension, host }];
  writeFileSync(file, JSON.stringify({ hosts, instances: [instance] }));
  const config = join(folder, 'config.json');
  writeFileSync(config, '{}');
  const env = { OUTRIGGER_CONFIG: config, HOME: folder };
  const world = createWorld({ registry: { maas: async () => (await maas()).maas }, env });
  const code = await runCommand([...words, '--inventory', file], world);
  return { code, text: `${world.printed()}${world.complained()}`.replace(/\s+/g, ' ') };
}

const maas = () => import('../../src/providers/maas/index.ts');

/** The instance's machine, as the built-in extension has deployed it with this user's key. */
function deployed({ cloud, fake }: MaasScene, owner: string) {
  const [first, second] = cloud.vm.nics;
  const machine = fake.add({ status: 'deployed', owner, powered: true });
  const { systemId, interfaces } = machine;
  for (const [at, nic] of [first, second].entries()) {
    if (nic !== undefined) Object.assign(interfaces[at] ?? {}, { mac: nic.mac });
  }
  cloud.change({ details: { ...cloud.vm.details, 'External:maas_system_id': systemId } });
  return machine;
}

describe('taking over from the built-in MAAS extension with the details of its host', () => {
  it(
    'audit names the machine that may be the instance’s, and adopt marks it as planned',
    inMaas({ host: { shared_user: 'false' } }, async (scene) => {
      const machine = deployed(scene, 'cloudstack');
      const audited = await run(scene, ['audit']);
      assert.match(audited.text, /lost-mark i-2-42-VM .* may be it .*outrigger adopt --plan/);
      assert.doesNotMatch(audited.text, /unreachable-host/);
      const words = ['adopt', '--map', `i-2-42-VM=${machine.systemId}`];
      const planned = await run(scene, [...words, '--plan']);
      assert.match(planned.text, new RegExp(`${machine.systemId} .*would be marked for i-2-42-VM`));
      assert.deepEqual(machine.annotations, {});
      const done = await run(scene, words);
      assert.deepEqual([done.code, planned.code], [0, 3], done.text);
      assert.match(machine.annotations['outrigger'] ?? '', /adopted/);
    }),
  );

  for (const [what, owner, more, why] of [
    ['there is no installation', 'cloudstack', { installation: '' }, /maas1 has no installation/],
    [
      'the key of an administrator does not own the machine',
      'cloudstack',
      { user: 1 },
      /belongs to the MAAS user cloudstack, and MAAS lets only its owner mark it/,
    ],
  ] as const) {
    it(
      `the plan refuses what adopt refuses: ${what}`,
      inMaas({}, async (scene) => {
        const machine = deployed(scene, owner);
        const words = ['adopt', '--map', `i-2-42-VM=${machine.systemId}`];
        for (const plan of [['--plan'], []]) {
          const { code, text } = await run(scene, [...words, ...plan], more);
          assert.equal(code, 1, text);
          assert.match(text, why);
          assert.doesNotMatch(text, /marked for/);
        }
        assert.deepEqual(machine.annotations, {});
      }),
    );
  }

  it(
    'no advice names a setting that MAAS does not have',
    inMaas({}, async (scene) => {
      deployed(scene, 'cloudstack');
      const { text } = await scene.cloud.call('reboot', { caller: admin });
      assert.doesNotMatch(text + scene.cloud.allOutput(), /adopt_unmarked/);
    }),
  );
});
