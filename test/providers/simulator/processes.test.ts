import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { admin, type Details, payloadFor, type Vm } from '../../support/payloads.ts';

/*
 * The built file as CloudStack runs it, many processes at once on one state directory.
 */

const script = join(process.cwd(), 'build/out/outrigger');

interface Ended {
  readonly code: number | null;
  readonly document: Readonly<Record<string, unknown>>;
}

describe('many processes on one simulator', () => {
  let folder = '';
  const running: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-processes-'));
    mkdirSync(join(folder, 'log'));
    const config = {
      log: { file: join(folder, 'log/outrigger.log') },
      state_directory: join(folder, 'state'),
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  });
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  function vm(id: number): Vm {
    const uuid = `8f4e2a6c-0e57-4a8b-a8d5-${id.toString(16).padStart(12, '0')}`;
    return { id, uuid, name: `i-2-${id}-VM`, cpus: 1, memoryMb: 512, nics: [], details: {} };
  }

  function begin(
    action: string,
    instance: Vm,
    host: Details = {},
    env: Details = {},
  ): ChildProcess {
    const extension = { provider: 'simulator', installation: 'one-cloud' };
    const payload = payloadFor(action, {
      vm: instance,
      host: { extension, host },
      caller: admin,
    });
    const file = join(folder, `${action}-${running.length}.json`);
    writeFileSync(file, JSON.stringify(payload));
    const base = { PATH: process.env['PATH'] ?? '', OUTRIGGER_CONFIG: join(folder, 'config.json') };
    const child = spawn(script, [action, file, '30'], {
      env: { ...base, HOME: folder, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.push(child);
    return child;
  }

  async function end(child: ChildProcess): Promise<Ended> {
    let text = '';
    child.stdout?.on('data', (part) => {
      text += part;
    });
    child.stderr?.on('data', (part) => {
      text += part;
    });
    const [code] = await once(child, 'close');
    return { code, document: text === '' ? {} : JSON.parse(text) };
  }

  function run(action: string, instance: Vm, host: Details = {}): Promise<Ended> {
    return end(begin(action, instance, host));
  }

  function files(kind: 'machines' | 'locks'): readonly string[] {
    const place = join(folder, 'state/simulator', kind);
    return existsSync(place) ? readdirSync(place).filter((name) => !name.startsWith('.')) : [];
  }

  /** Waits until a create has written its machine down and is copying. */
  async function underWay(): Promise<void> {
    for (let tries = 0; files('machines').length === 0; tries += 1) {
      assert.ok(tries < 500, 'the create never began');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const slow = { slow_task_ms: '60000' };

  it('eight creates of one instance make one machine, and all of them succeed', async () => {
    const ended = await Promise.all(
      Array.from({ length: 8 }, () => run('create', vm(1), { slow_task_ms: '20' })),
    );
    for (const { code, document } of ended) assert.equal(code, 0, JSON.stringify(document));
    assert.equal(files('machines').length, 1);
    assert.deepEqual(files('locks'), []);
  });

  it('eight creates of eight instances never take more capacity than the node has', async () => {
    const host = { capacity_cpus: '5', slow_task_ms: '20' };
    const ended = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((id) => run('create', vm(id), host)),
    );
    assert.equal(ended.filter(({ code }) => code === 0).length, 5);
    assert.equal(files('machines').length, 5);
    const { document } = await run('statuses', vm(1), host);
    assert.equal(Object.keys(document['power_state'] as object).length, 5);
  });

  it('eight different actions on one instance leave a whole machine', async () => {
    await run('create', vm(1));
    const words = ['stop', 'start', 'reboot', 'stop', 'start', 'status', 'create', 'status'];
    await Promise.all(words.map((action) => run(action, vm(1))));
    const { code } = await run('start', vm(1));
    assert.equal(code, 0);
    assert.equal((await run('status', vm(1))).document['power_state'], 'PowerOn');
    assert.equal(files('machines').length, 1);
  });

  it('a create that was killed while copying is finished by the next one', async () => {
    const child = begin('create', vm(1), slow);
    await underWay();
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(files('locks').length, 1);
    const startedMs = performance.now();
    const { code, document } = await run('create', vm(1));
    assert.equal(code, 0, JSON.stringify(document));
    assert.ok(performance.now() - startedMs < 5_000, 'the action does not wait for a dead process');
    assert.equal(files('machines').length, 1);
    assert.deepEqual(files('locks'), []);
    assert.equal((await run('status', vm(1))).document['power_state'], 'PowerOn');
  });

  it('a create that was killed while copying has its begin in the log, which tells that it has no end', async () => {
    const log = join(folder, 'log/outrigger.log');
    // Root makes no log, since the service could not write it.
    writeFileSync(log, '');
    const child = begin('create', vm(1), slow);
    await underWay();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    const own = lines
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .filter(({ pid }) => pid === child.pid);
    assert.deepEqual(
      own.map(({ event, level, action, name }) => [event, level, action, name]),
      [['begin', 'info', 'create', 'i-2-1-VM']],
    );
    const env = { PATH: process.env['PATH'] ?? '', OUTRIGGER_CONFIG: join(folder, 'config.json') };
    const [ref = ''] = own.map((line) => String(line['ref']));
    const { stdout } = spawnSync(script, ['log', '--ref', ref], { env, encoding: 'utf8' });
    assert.match(stdout, /create.*i-2-1-VM/);
    assert.match(stdout, /no end/);
  });

  it('a create that was killed while copying is cleared away by the stop that follows', async () => {
    const child = begin('create', vm(1), slow);
    await underWay();
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal((await run('stop', vm(1))).code, 0);
    assert.deepEqual([files('machines'), files('locks')], [[], []]);
  });

  it('a create that is told to end undoes what it did and answers', async () => {
    const child = begin('create', vm(1), slow);
    const ended = end(child);
    await underWay();
    child.kill('SIGTERM');
    const { code, document } = await ended;
    assert.equal(code, 1);
    assert.match(String(document['error']), /SIGTERM while copying template/);
    assert.deepEqual([files('machines'), files('locks')], [[], []]);
  });

  it('status answers at once while a create of the instance is copying', async () => {
    begin('create', vm(1), slow);
    await underWay();
    const { code, document } = await run('status', vm(1));
    assert.equal(code, 0);
    assert.equal(document['power_state'], 'PowerUnknown');
  });

  it('without a home the error names the setting that helps', async () => {
    const configFile = join(folder, 'none.json');
    const child = begin('status', vm(1), {}, { OUTRIGGER_CONFIG: configFile, HOME: '' });
    const { code, document } = await end(child);
    assert.equal(code, 1);
    assert.match(String(document['error']), /HOME is not set/);
    assert.ok(String(document['error']).includes(`"state_directory" in ${configFile}`));
  });
});
