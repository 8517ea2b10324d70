import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { builtFile, spawnFile } from '../support/spawned.ts';

describe('the demo', () => {
  /** Runs it with an empty home and an empty directory for temporary files. */
  const play = (args: readonly string[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-demo-'));
    for (const name of ['home', 'tmp']) mkdirSync(join(folder, name));
    const env = { HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp') };
    const { output, exitCode } = spawnFile(builtFile, ['demo', ...args], { env });
    const left = [...readdirSync(env.HOME), ...readdirSync(env.TMPDIR)];
    rmSync(folder, { recursive: true, force: true });
    return { output, exitCode, left };
  };

  it('the demo takes an instance from prepare to delete as CloudStack would, and leaves nothing behind', () => {
    const { output, exitCode, left } = play(['--json']);
    assert.equal(exitCode, 0, output);
    assert.deepEqual(left, []);
    const { steps } = JSON.parse(output) as {
      steps: { action: string; conclusion: { success: boolean; power?: string } }[];
    };
    const told = steps.map(({ action, conclusion }) => [
      action,
      conclusion.power ?? conclusion.success,
    ]);
    assert.deepEqual(told, [
      ['prepare', true],
      ['ensure-network-device', true],
      ['implement-network', true],
      ['prepare-nic', true],
      ['save-vm-data', true],
      ['create', true],
      ['status', 'PowerOn'],
      ['statuses', true],
      ['getconsole', true],
      ['CreateSnapshot', true],
      ['ListSnapshots', true],
      ['stop', true],
      ['release-nic', true],
      ['save-password', true],
      ['status', 'PowerOff'],
      ['save-vm-data', true],
      ['start', true],
      ['reboot', true],
      ['stop', true],
      ['release-nic', true],
      ['delete', true],
      ['status', 'PowerUnknown'],
      ['shutdown-network', true],
      ['destroy-network', true],
    ]);
  });

  it('the demo shows each call, its answer and the conclusion of CloudStack', () => {
    const { output, exitCode } = play([]);
    assert.equal(exitCode, 0, output);
    assert.match(
      output,
      /1\. prepare: .*\n +\$ outrigger prepare <payload> 30\n +\{"status":"success"/,
    );
    assert.match(output, /CloudStack: PowerOff/);
    assert.match(output, /24 calls in .*Nothing is left behind\./);
    assert.equal(output.includes('\u001b'), false, 'no colours without a terminal');
  });
});
