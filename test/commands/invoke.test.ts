import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCommand } from '../../src/commands/run.ts';
import { builtFile, serviceEnv } from '../support/spawned.ts';
import { executable, temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

const payload = join(temporaryDirectory(), 'payload.json');
const instance = {
  virtualmachineid: '11111111-2222-4333-8444-555555555555',
  virtualmachinename: 'i-2-7-VM',
  'cloudstack.vm.details': {
    nics: [{ nicUuid: 'a0000000-0000-4000-8000-000000000001', mac: '02:00:00:00:00:01' }],
    details: {},
  },
};
writeFileSync(payload, JSON.stringify(instance));

async function invoke(
  body: string,
  action: string,
  ...options: string[]
): Promise<{ code: number; printed: string }> {
  const world = createWorld();
  const path = executable(body);
  const code = await runCommand(['invoke', path, action, payload, ...options], world);
  return { code, printed: world.printed() };
}

describe('invoke', () => {
  test('invoke shows command line, output, end of the process, and the conclusion of CloudStack', async () => {
    const { code, printed } = await invoke(`echo '{"power_state":"PowerOff"}'`, 'status');
    assert.equal(code, 0);
    assert.match(printed, /^\$ \/\S+\/extension status \/\S+\/payload\.json 1800$/m);
    assert.match(printed, /^\{"power_state":"PowerOff"\}$/m);
    assert.match(printed, /^\[exit code 0, \d+ ms, 27 bytes\]$/m);
    assert.match(printed, /^Time-out 1800 s: the global setting "wait"\.$/m);
    assert.match(printed, /^CloudStack: PowerOff: the output says "PowerOff"$/m);
    assert.match(printed, /^User sees: {2}Stopped/m);
  });

  test('invoke judges a network command as CloudStack 4.23 does, told by its payload', async () => {
    const file = join(temporaryDirectory(), 'network.json');
    writeFileSync(file, '{"physical-network-extension-details":{},"payload":{"network_id":"1"}}');
    const path = executable(`echo 'Permission denied'; echo '{"host":"pve1"}'`);
    const world = createWorld();
    const words = ['invoke', path, 'ensure-network-device', file];
    assert.equal(await runCommand(words, world), 0);
    assert.match(world.printed(), /network\.json 60$/m);
    assert.match(world.printed().replace(/\s+/g, ' '), /every later command of this network fails/);
  });

  test('invoke exits with 1 where CloudStack would count a failure, whether the output says so or not', async () => {
    assert.equal((await invoke('exit 3', 'create')).code, 1);
    const lied = await invoke(`echo '{"status":"error"}'`, 'create');
    assert.equal(lied.code, 0);
    assert.match(
      lied.printed,
      /^Mind: {7}"status" is "error", but exit code 0 counts as success$/m,
    );
    assert.equal((await invoke('echo oops', 'prepare')).code, 1);
    assert.equal((await invoke('echo "{}"', 'getconsole')).code, 1);
  });

  test('invoke kills the process at the given time-out, and names the default that it takes without one', async () => {
    const late = await invoke('exec sleep 9', 'Snap', '--timeout', '1');
    assert.equal(late.code, 1);
    assert.match(late.printed, /\[killed at the time-out, 1\.\d s, 0 bytes\]/);
    assert.match(late.printed, /^CloudStack: Failure: Timeout$/m);
    assert.match((await invoke('exit 0', 'Snap')).printed, /Time-out 3 s: the default of a custom/);
  });

  test('invoke shows the part of a prepare answer that CloudStack keeps', async () => {
    const { nicUuid } = instance['cloudstack.vm.details'].nics[0] ?? {};
    const answer = { nics: [{ nicUuid, mac: '02:aa:aa:aa:aa:aa' }], details: { vmid: '7' } };
    const { printed } = await invoke(`echo '${JSON.stringify(answer)}'`, 'prepare');
    assert.match(printed, /^ +NIC +a0000000-0000-4000-8000-000000000001 +02:aa:aa:aa:aa:aa$/m);
    assert.match(printed, /^ +detail +vmid +7$/m);
  });

  test('invoke shows the table that the user interface would show', async () => {
    const answer = { printmessage: 'true', message: [{ name: 'first', size: 3 }] };
    const { printed } = await invoke(`echo '${JSON.stringify(answer)}'`, 'ListSnapshots');
    assert.match(printed, /^ +name +size\n +first +3$/m);
  });

  test('invoke does not obey control characters in an output', async () => {
    const { printed } = await invoke(String.raw`printf '\033[31mred\r\n'`, 'stop');
    assert.match(printed, /^\\x1B\[31mred\\x0D$/m);
  });

  test('invoke prints run and conclusion as facts with --json', async () => {
    const { printed } = await invoke(`echo '{"power_state":"PowerOn"}'`, 'status', '--json');
    const { run, conclusion } = JSON.parse(printed) as {
      run: { exitCode: number; text: string };
      conclusion: { power: string; success: boolean };
    };
    assert.equal(run.exitCode, 0);
    assert.deepEqual([conclusion.power, conclusion.success], ['PowerOn', true]);
  });

  test('invoke passes a missing payload on, and refuses a directory', async () => {
    const world = createWorld();
    const path = executable('test -e "$2" || exit 4');
    assert.equal(await runCommand(['invoke', path, 'stop', '/nowhere/p.json'], world), 1);
    assert.match(world.printed(), /exit code 4/);
    assert.equal(await runCommand(['invoke', path, 'stop', '/tmp'], world), 2);
    assert.match(world.complained(), /\/tmp is a directory, not a payload file/);
  });

  test('an interrupted invoke leaves neither files nor the process behind', {
    timeout: 20_000,
  }, async () => {
    const directory = temporaryDirectory();
    const path = executable(`echo $$ >${directory}/pid; exec sleep 20`);
    const temporary = temporaryDirectory();
    const child = spawn(builtFile, ['invoke', path, 'stop', payload], {
      env: { ...serviceEnv(), TMPDIR: temporary },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => {
      child.once('exit', (code) => resolve(code));
    });
    const pid = await appearing(join(directory, 'pid'));
    child.kill('SIGINT');
    assert.equal(await ended, 130);
    assert.deepEqual(readdirSync(temporary), []);
    await gone(pid);
  });
});

async function appearing(path: string): Promise<number> {
  for (;;) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (text.endsWith('\n')) return Number(text);
    await pause(20);
  }
}

/** A zombie counts as gone: it has no command line any more. */
async function gone(pid: number): Promise<void> {
  const commandLine = `/proc/${pid}/cmdline`;
  while (existsSync(commandLine) && readFileSync(commandLine, 'utf8') !== '') await pause(20);
}
