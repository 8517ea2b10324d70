import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { changed, ofAnother, recorded } from '../cloudstack/recorded.ts';
import { formFault } from '../support/answer-form.ts';
import {
  builtFile,
  copyAlone,
  type SpawnOptions,
  serviceEnv,
  spawnFile,
} from '../support/spawned.ts';

const isRoot = process.getuid?.() === 0;
const needsRoot = isRoot ? false : 'only root can start a process as another user';

describe('the built file', () => {
  let alone: ReturnType<typeof copyAlone>;
  let home = '';
  before(() => {
    alone = copyAlone();
    home = join(alone.folder, '../home');
    mkdirSync(home);
    chmodSync(home, 0o777);
    // Until it has made a machine, the simulator cannot tell "none" from "somewhere else".
    call(['create', simulated('create'), '30']);
    // While no machine of the installation is left, no list is believed.
    call(['create', payload(ofAnother(recorded('create', 'simulator'))), '30']);
  });
  after(() => alone.remove());
  const payload = (content: unknown, name = 'payload.json') => {
    const file = join(home, name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  const simulated = (action: string) => payload(recorded(action, 'simulator'), `${action}.json`);
  /** The output has to be one line that CloudStack can pass on, and one JSON document. */
  const call = (args: readonly string[], options: SpawnOptions = {}) => {
    const { output, exitCode, signal } = spawnFile(alone.file, args, {
      ...options,
      env: { HOME: home, ...options.env },
    });
    assert.equal(formFault(output), undefined, JSON.stringify(output));
    const document = JSON.parse(output) as Record<string, unknown>;
    assert.equal(signal, null);
    assert.equal(exitCode, document['status'] === 'success' ? 0 : 1, output);
    return document;
  };
  const listed = (options: SpawnOptions = {}) => {
    const document = call(['statuses', simulated('statuses'), '30'], options);
    assert.equal(document['status'], 'success', JSON.stringify(document));
  };

  it('stands alone in its folder and is executable', () => {
    listed();
    assert.deepEqual(readdirSync(alone.folder), ['outrigger'], 'and it leaves nothing beside it');
  });

  it('takes an instance through its life', () => {
    const run = (action: string) => call([action, simulated(action), '30']);
    for (const action of ['prepare', 'create', 'start', 'reboot', 'stop', 'delete']) {
      const document = run(action);
      assert.equal(document['status'], 'success', `${action}: ${JSON.stringify(document)}`);
      if (action === 'create') assert.equal(run('status')['power_state'], 'PowerOn');
      if (action === 'stop') assert.equal(run('status')['power_state'], 'PowerOff');
    }
    assert.equal(run('status')['status'], 'error', 'a machine that is gone is not off');
  });

  it('answers every recorded payload, with the provider added, in one document', () => {
    const life = ['prepare', 'create', 'status', 'statuses', 'reboot', 'stop', 'start', 'delete'];
    const others = ['custom', 'getconsole', 'unexpected-command'];
    const files = readdirSync(join(process.cwd(), 'test/payloads/main'));
    const names = [...life, ...others].map((name) => `${name}.json`);
    assert.deepEqual(files.sort(), names.sort(), 'every file is replayed');
    const errorOf = (name: string) => {
      const { action = name } = recorded(name) as { action?: string };
      return String(call([action, simulated(name), '30'])['error']);
    };
    // Its parameter was recorded as "snapshotname", which is the name for people: only the machine is missing.
    assert.match(errorOf('custom'), /This instance has no machine/);
    assert.match(errorOf('getconsole'), /console/);
    assert.match(errorOf('unexpected-command'), /internal command/);
    for (const name of life) assert.equal(errorOf(name), 'undefined', name);
    call(['create', simulated('create'), '30']);
  });

  it('runs inside a package of either type', () => {
    for (const type of ['module', 'commonjs']) {
      const other = copyAlone();
      writeFileSync(join(other.folder, 'package.json'), JSON.stringify({ type }));
      const { output } = spawnFile(other.file, ['statuses', simulated('statuses'), '30'], {
        env: { HOME: home },
      });
      assert.equal(JSON.parse(output).status, 'success', output);
      other.remove();
    }
  });

  it('is not disturbed by what the environment makes of Node', () => {
    listed({ env: { NODE_OPTIONS: '--no-such-option' } });
    listed({ env: { NODE_OPTIONS: '--require /nonexistent.js' } });
    listed({ env: { NODE_EXTRA_CA_CERTS: '/nonexistent.pem' } });
    listed({ env: { NODE_DEBUG: 'fs,module,net' } });
    listed({ env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
    listed({ env: { LC_ALL: 'C', LANG: undefined } });
    listed({ env: { TZ: 'Asia/Kathmandu', LC_ALL: 'pl_PL.UTF-8' } });
  });

  it('needs neither standard input nor a directory that still exists', () => {
    listed({ through: 'exec "$@" <&-' });
    listed({ through: 'exec "$@" </dev/null' });
    listed({ through: 'mkdir "$HOME/gone" && cd "$HOME/gone" && rmdir "$HOME/gone" && exec "$@"' });
  });

  it('does not report a success that nobody could read', () => {
    const file = simulated('statuses');
    const through = 'exec "$@" >/dev/full 2>&1';
    const options = { env: { HOME: home }, through };
    const { exitCode, signal } = spawnFile(alone.file, ['statuses', file, '30'], options);
    assert.deepEqual([signal, exitCode], [null, 1]);
  });

  it('asks for a place for its state when there is no home', () => {
    const document = call(['statuses', simulated('statuses'), '30'], { env: { HOME: undefined } });
    assert.match(
      String(document['error']),
      /HOME is not set.*"state_directory" in \/etc\/outrigger\/config\.json/,
    );
  });

  it('answers every bad command line within a second', () => {
    const file = simulated('status');
    const cases = [
      [],
      ['status'],
      ['status', file],
      ['status', file, '0'],
      ['status', file, '-5'],
      ['status', file, 'soon'],
      ['status', file, '2147484'],
      ['statsu', file, '5'],
      ['status', '/nonexistent', '5'],
      ['status', home, '5'],
      ['status', file, '5', 'more'],
      ['', '', ''],
    ];
    for (const args of cases) {
      const started = Date.now();
      assert.equal(call(args)['status'], 'error', args.join(' '));
      assert.ok(Date.now() - started < 1000, args.join(' '));
    }
  });

  it('suggests the command that a mistyped word may have meant', () => {
    assert.match(String(call(['verison'])['error']), /did you mean `outrigger version`\?/);
  });

  it('refuses the commands that CloudStack invents', () => {
    const file = payload({ action: 'com.cloud.agent.api.CheckVirtualMachineCommand' });
    assert.equal(
      call(['com.cloud.agent.api.CheckVirtualMachineCommand', file, '5'])['status'],
      'error',
    );
  });

  it('runs a custom action that is called like a command of the operator', () => {
    const file = payload({ ...recorded('custom', 'simulator'), action: 'help', parameters: {} });
    assert.match(String(call(['help', file, '3'])['error']), /no custom action "help"/);
  });

  it('takes its provider from the name of the link that it is started by', () => {
    const without = recorded('statuses', 'simulator');
    delete (without['externaldetails'] as Record<string, Record<string, unknown>>)['extension']?.[
      'provider'
    ];
    const file = payload(without);
    for (const name of ['simulator', 'simulator.sh', 'simulator.py']) {
      const link = join(home, name);
      symlinkSync(alone.file, link);
      const { output } = spawnFile(link, ['statuses', file, '30'], { env: { HOME: home } });
      assert.equal(JSON.parse(output).status, 'success', output);
    }
    assert.match(
      String(call(['statuses', file, '30'])['error']),
      /Set the extension detail "provider"/,
    );
  });

  it('answers in one document when it is told to stop, and undoes what it had begun', async () => {
    const other = (action: string, host = {}) => {
      const uuid = '0b6a2f0e-0e57-4a8b-a8d5-4c4f6d6a7b11';
      const made = { ...recorded(action, 'simulator', host), virtualmachineid: uuid };
      return payload(
        changed(made, ['cloudstack.vm.details', 'uuid'], uuid),
        `other-${action}.json`,
      );
    };
    const slow = other('create', { slow_task_ms: '8000' });
    const child = spawn(alone.file, ['create', slow, '60'], {
      env: { ...serviceEnv(), HOME: home },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (part) => {
      output += part;
    });
    await new Promise((resolve) => setTimeout(resolve, 700));
    child.kill('SIGTERM');
    const exitCode = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(exitCode, 1);
    assert.match(JSON.parse(output).error, /SIGTERM/);
    const { error } = call(['status', other('status'), '30']);
    assert.match(String(error), /There is no machine/, 'nothing is left');
  });

  it('says what it is to a person, and one JSON document to a pipe', () => {
    const version = spawnFile(alone.file, ['version', '--json'], { env: { HOME: home } });
    assert.equal(version.exitCode, 0, version.output);
    assert.equal(JSON.parse(version.output).content, 'intact');
    const help = spawnFile(alone.file, ['help'], { env: { HOME: home } });
    assert.equal(help.exitCode, 0);
    assert.match(help.output, /conform/);
  });

  it('says that it cannot read a payload of another user', { skip: needsRoot }, () => {
    const file = payload('{}');
    chmodSync(file, 0o600);
    const document = call(['status', file, '5'], { uid: 65534 });
    assert.match(String(document['error']), /this user may not read it/);
  });

  it('leaves nothing of root behind', { skip: needsRoot }, () => {
    const config = join(home, 'config.json');
    const log = join(home, 'log');
    mkdirSync(log);
    chmodSync(log, 0o777);
    writeFileSync(
      config,
      JSON.stringify({ log: { file: `${log}/outrigger.log`, level: 'debug' } }),
    );
    const script = { fail_actions: 'status', fail_kind: 'unreachable' };
    const file = payload(recorded('status', 'simulator', script), 'outage.json');
    chmodSync(file, 0o644);
    const options = { env: { OUTRIGGER_CONFIG: config } };
    assert.match(
      String(call(['status', file, '30'], options)['error']),
      /because its settings say so/,
    );
    assert.deepEqual(readdirSync(log), []);
    call(['status', file, '30'], { ...options, uid: 65534 });
    assert.ok(existsSync(`${log}/outrigger.log`), 'anybody else makes one');
  });

  it('keeps no state of root in a folder of somebody else', { skip: needsRoot }, () => {
    const state = join(home, 'state');
    const config = join(home, 'config-of-state.json');
    mkdirSync(state);
    chownSync(state, 65534, 65534);
    writeFileSync(config, JSON.stringify({ log: { enabled: false }, state_directory: state }));
    const file = payload(recorded('create', 'simulator'), 'by-root.json');
    chmodSync(file, 0o644);
    const create = (uid?: number) =>
      call(['create', file, '30'], { env: { OUTRIGGER_CONFIG: config }, ...(uid && { uid }) });
    assert.match(String(create()['error']), /it is for a user other than root/);
    assert.deepEqual(readdirSync(state), []);
    assert.equal(create(65534)['status'], 'success');
    assert.match(String(create()['error']), /it is for a user other than root/);
  });
});

describe('what is committed', () => {
  const committed = join(process.cwd(), 'out/outrigger');

  it('is what the sources make: otherwise run `npm run build`', () => {
    assert.ok(readFileSync(committed).equals(readFileSync(builtFile)));
  });

  it('has the sum that stands beside it, and the mode to be started', () => {
    const sum = createHash('sha256').update(readFileSync(committed)).digest('hex');
    assert.equal(
      readFileSync(`${committed.replace(/outrigger$/, '')}SHA256SUMS`, 'utf8'),
      `${sum}  outrigger\n`,
    );
    assert.equal(spawnFile(committed, ['version']).exitCode, 0);
  });

  it('carries its own hash, over everything but the first line and the hash', () => {
    const text = readFileSync(committed, 'utf8');
    const [stamp = '', ...others] = text.match(/sha256:[0-9a-f]{64}/g) ?? [];
    assert.deepEqual(others, []);
    const body = text.slice(text.indexOf('\n') + 1).replace(stamp, `sha256:${'0'.repeat(64)}`);
    assert.equal(stamp, `sha256:${createHash('sha256').update(body).digest('hex')}`);
  });

  it('carries the licences of everything inside', () => {
    const lists = (file: string, name: string): boolean =>
      new RegExp(`--- ${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)\\n`).test(readFileSync(file, 'utf8'));
    assert.ok(readFileSync(committed, 'utf8').includes('Apache License, Version 2.0'));
    for (const file of [committed, join(process.cwd(), 'build/probe/probe')]) {
      for (const name of ['valibot', 'ofetch', 'ufo', 'destr']) assert.ok(lists(file, name), name);
    }
  });
});
