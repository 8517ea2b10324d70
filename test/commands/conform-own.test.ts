import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { builtFile } from '../spawned.ts';
import { fixture, temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Report {
  readonly conforms: boolean;
  readonly rules: readonly { readonly id: string; readonly state: string }[];
}

async function conform(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ readonly code: number; readonly report: Report; readonly broken: readonly object[] }> {
  const world = createWorld({ env });
  const code = await runCommand(['conform', '--json', ...args], world);
  const report = JSON.parse(world.printed()) as Report;
  return { code, report, broken: report.rules.filter(({ state }) => state !== 'pass') };
}

describe('conform', { concurrency: 2 }, () => {
  test('finds nothing wrong with a small good extension, which is left without instances', async () => {
    const state = temporaryDirectory();
    const { code, report, broken } = await conform([fixture('good.js'), `state=${state}`]);
    assert.deepEqual(broken, []);
    assert.deepEqual([code, report.conforms], [0, true]);
    assert.deepEqual(readdirSync(state), []);
  });

  test('finds nothing wrong with Outrigger on the simulator, custom actions included', async () => {
    const details = ['--provider-details', 'provider=simulator', 'console_url=https://c/{uuid}'];
    const { code, report, broken } = await conform(
      [builtFile, ...details, '--action', 'ListSnapshots'],
      { HOME: temporaryDirectory() },
    );
    assert.deepEqual(broken, []);
    assert.deepEqual([code, report.conforms], [0, true]);
  });
});
