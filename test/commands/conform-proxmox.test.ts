import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { proxmoxBackend } from '../providers/proxmox/backend.ts';
import { builtFile } from '../support/spawned.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Report {
  readonly rules: readonly {
    readonly id: string;
    readonly state: string;
    readonly reason: string;
  }[];
}

describe('conform on a system behind TLS', () => {
  test('conform finds nothing wrong with Outrigger on Proxmox VE, its certificates and outages included', async (t) => {
    const backend = await proxmoxBackend()();
    t.after(() => backend.close());
    const host = Object.entries(backend.details().host ?? {});
    const chosen = Object.entries(backend.chosen).map(
      ([key, value]) => `virtualmachine.${key}=${value}`,
    );
    const details = [...host.map(([key, value]) => `${key}=${value}`), ...chosen];
    const world = createWorld({ env: { HOME: temporaryDirectory() } });
    const installation = 'extension.installation=conform';
    await runCommand(
      ['conform', builtFile, '--json', 'provider=proxmox', installation, ...details],
      world,
    );
    const { rules } = JSON.parse(world.printed()) as Report;
    const broken = rules.filter(({ state }) => state !== 'pass');
    assert.deepEqual(broken, []);
  });
});
