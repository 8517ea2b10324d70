import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  networkPayload,
  nicBlock,
  vmData,
} from '../../../src/commands/conform/network-payloads.ts';
import { sampleInstance } from '../../../src/commands/conform/sample-instance.ts';
import type { Details } from '../../support/payloads.ts';

/*
 * The built file as CloudStack runs it for a network, killed in the middle and called by two management
 * servers at once. The servers share the simulated system and nothing else.
 */

const script = join(process.cwd(), 'build/out/outrigger');
const instance = sampleInstance(1);

describe('network commands as processes', () => {
  let folder = '';
  let calls = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-network-'));
    for (const server of ['ms1', 'ms2']) {
      mkdirSync(join(folder, server));
      const log = { file: join(folder, server, 'outrigger.log') };
      const config = { log, state_directory: join(folder, 'state') };
      writeFileSync(join(folder, server, 'config.json'), JSON.stringify(config));
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  function begin(command: string, more: object, details: Details = {}, server = 'ms1') {
    const registration = { provider: 'simulator', installation: 'one', ...details };
    const network = { id: 227, kind: 'isolated', vlan: '', state: 'implementing' } as const;
    const file = join(folder, `cs-extnet-${command}-${calls++}.payload`);
    writeFileSync(file, JSON.stringify(networkPayload(registration, network, { ...more })));
    return spawn(script, [command, file, '60'], {
      env: {
        PATH: process.env['PATH'],
        HOME: join(folder, server),
        OUTRIGGER_CONFIG: join(folder, server, 'config.json'),
      },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  const endOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];
  const filesIn = (name: string): readonly string[] =>
    readdirSync(join(folder, 'state/simulator', name)).filter((file) => !file.startsWith('.'));
  const save = () => ({
    ...nicBlock(instance, 1, 'isolated'),
    vm_data: vmData(instance, { hostname: 'web1', userData: 'x'.repeat(20_000) }),
  });

  it('a command that was killed at any moment is healed by the next one', async () => {
    for (let ms = 60; ms <= 460; ms += 100) {
      for (const command of ['implement-network', 'shutdown-network']) {
        const child = begin(command, {}, { slow_task_ms: '200' });
        setTimeout(() => child.kill('SIGKILL'), ms);
        await endOf(child);
      }
    }
    assert.equal(await endOf(begin('implement-network', {})), 0);
    assert.equal(filesIn('networks').length, 1);
    const child = begin('save-vm-data', save());
    setTimeout(() => child.kill('SIGKILL'), 100);
    await endOf(child);
    assert.equal(await endOf(begin('save-vm-data', save())), 0);
    assert.equal(filesIn('guests').length, 1);
  });

  it('two management servers that do the same at the same moment come to one network', async () => {
    const slow = { slow_task_ms: '100' };
    const both = ['ms1', 'ms2', 'ms1', 'ms2'].map((server) =>
      endOf(begin('implement-network', {}, slow, server)),
    );
    assert.deepEqual(await Promise.all(both), [0, 0, 0, 0]);
    const saved = ['ms1', 'ms2'].map((server) => endOf(begin('save-vm-data', save(), {}, server)));
    assert.deepEqual(await Promise.all(saved), [0, 0]);
    assert.deepEqual([filesIn('networks').length, filesIn('guests').length], [1, 1]);
    assert.equal(await endOf(begin('destroy-network', {}, {}, 'ms2')), 0);
    assert.deepEqual([filesIn('networks').length, filesIn('guests').length], [0, 0]);
  });
});
