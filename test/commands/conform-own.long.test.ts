import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCommand } from '../../src/commands/run.ts';
import { builtFile, serviceEnv } from '../support/spawned.ts';
import { executable, fixture, temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Report {
  readonly conforms: boolean;
  readonly rules: readonly { readonly id: string; readonly state: string }[];
  readonly kept?: string;
}

interface Payload {
  readonly caller: { readonly name: string };
  readonly 'cloudstack.vm.details': {
    readonly nics: readonly { readonly deviceId: number; readonly mac: string }[];
    readonly details: Readonly<Record<string, string>>;
  };
}

/** An executable that connects to nothing cannot be tried there. */
const besides = ['certificate', 'out-of-reach'];

async function conform(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{
  readonly code: number;
  readonly report: Report;
  readonly broken: Report['rules'];
  readonly notKept: Report['rules'];
}> {
  const world = createWorld({ env });
  const code = await runCommand(['conform', '--json', ...args], world);
  const report = JSON.parse(world.printed()) as Report;
  const notKept = report.rules.filter(({ state }) => state !== 'pass');
  return { code, report, broken: notKept.filter(({ id }) => !besides.includes(id)), notKept };
}

/** Runs the built file until something has been created; answers what it says after Ctrl-C. */
async function interrupted(
  args: readonly string[],
  state: string,
  temporary: string,
): Promise<string> {
  const child = spawn(builtFile, ['conform', ...args], {
    env: { ...serviceEnv(), TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part) => {
      said += part;
    });
  }
  const ended = new Promise((resolve) => child.once('close', resolve));
  while (readdirSync(state).length === 0) await pause(5);
  child.kill('SIGINT');
  assert.equal(await ended, 1);
  return said;
}

describe('conform', { concurrency: 2 }, () => {
  test('conform finds nothing wrong with a small good extension, which is left without instances', async () => {
    const state = temporaryDirectory();
    const { code, report, broken } = await conform([fixture('good.js'), `state=${state}`]);
    assert.deepEqual(broken, []);
    assert.deepEqual([code, report.conforms], [0, true]);
    assert.deepEqual(readdirSync(state), []);
  });

  test('conform deletes its instances when it is interrupted, and leaves no files', {
    timeout: 30_000,
  }, async () => {
    const [state, temporary] = [temporaryDirectory(), temporaryDirectory()];
    const said = await interrupted([fixture('good.js'), `state=${state}`], state, temporary);
    assert.match(said, /Stopped by SIGINT\.?\n$/);
    assert.deepEqual(readdirSync(state), []);
    assert.deepEqual(readdirSync(temporary), []);
  });

  test('conform names the instance that it could not delete when it is interrupted', {
    timeout: 30_000,
  }, async () => {
    const state = temporaryDirectory();
    const stubborn = executable(`case $1 in
      create) echo >${state}/made; echo '{"status":"success"}';;
      *) echo '{"status":"error","error":"no"}'; exit 1;;
    esac`);
    const said = await interrupted([stubborn], state, temporaryDirectory());
    assert.match(said, /Stopped by SIGINT, and i-2-9\d+-VM \([0-9a-f-]{36}\) could not be deleted/);
    assert.match(said, /Remove it on the remote system/);
  });

  test('conform gives each action the NICs as CloudStack does, with the changes of prepare', async () => {
    const { report } = await conform([
      fixture('good.js'),
      `state=${temporaryDirectory()}`,
      '--keep',
    ]);
    const directory = report.kept ?? '';
    const payload = (step: string): Payload => {
      const file = readdirSync(directory).find((name) => name.endsWith(`-${step}.json`)) ?? '';
      return JSON.parse(readFileSync(join(directory, file), 'utf8')) as Payload;
    };
    const nics = (step: string) => payload(step)['cloudstack.vm.details'].nics;
    const macs = (step: string): string[] => nics(step).map(({ mac }) => mac);
    const [first, second, third] = [0, 1, 2].map((id) => `02:00:00:00:00:0${id}`);
    assert.deepEqual(macs('create'), [second, first, third]);
    assert.deepEqual(macs('start'), [second, first, third]);
    assert.deepEqual(macs('reboot'), [first, second, third]);
    assert.equal('dns1' in (nics('start')[0] ?? {}), true);
    assert.equal('dns1' in (nics('reboot')[0] ?? {}), false);
    assert.deepEqual(
      nics('prepare').map(({ deviceId }) => deviceId),
      [0, 1, 2],
    );
    for (const step of ['stop', 'delete', 'getconsole', 'status-after-create']) {
      assert.deepEqual(nics(step), []);
      assert.notEqual(payload(step)['cloudstack.vm.details'].details['good_path'], undefined);
    }
    assert.equal(payload('status-after-create').caller.name, 'system');
    rmSync(directory, { recursive: true });
  });

  test('conform finds nothing wrong with Outrigger on the simulator, custom actions included', async () => {
    const details = ['--provider-details', 'provider=simulator', 'console_url=https://c/{uuid}'];
    const { code, report, broken } = await conform(
      [builtFile, ...details, '--action', 'ListSnapshots'],
      { HOME: temporaryDirectory() },
    );
    assert.deepEqual(broken, []);
    assert.deepEqual([code, report.conforms], [0, true]);
  });
});
