import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  lutimesSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Deadline } from '../../src/contract/context.ts';
import type { Failure } from '../../src/failure.ts';
import { createDeadline } from '../../src/kit/deadline.ts';
import { withLock } from '../../src/kit/lock-file.ts';

describe('withLock', () => {
  let folder = '';
  let path = '';
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-lock-'));
    path = join(folder, 'thing');
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  function within(ms: number): { deadline: Deadline; what: string } {
    const clock = () => performance.now();
    const endMs = clock() + ms;
    return { deadline: createDeadline(clock, { endMs, undoEndMs: endMs }), what: 'the thing' };
  }

  it('lets a TypeError through instead of calling it trouble with the lock', async () => {
    // Node refuses a path with a NUL before it asks the operating system for anything.
    const work = withLock(`${path}\0`, within(1000), async () => {});
    await assert.rejects(work, TypeError);
  });

  /** A process that holds the lock, and the text it holds it with. */
  async function holder(): Promise<ChildProcess> {
    const child = spawn('sleep', ['60']);
    children.push(child);
    await once(child, 'spawn');
    symlinkSync(identity(child.pid), path);
    return child;
  }

  it('runs the works one after another', async () => {
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 10));
      order.push(`${name} ends`);
    };
    await Promise.all(['a', 'b', 'c'].map((name) => withLock(path, within(5_000), work(name))));
    for (let at = 0; at < order.length; at += 2) {
      assert.equal(order[at]?.[0], order[at + 1]?.[0], order.join(', '));
    }
  });

  it('leaves nothing behind, also when the work fails', async () => {
    await withLock(path, within(1_000), async () => 1);
    const failing = withLock(path, within(1_000), async () => {
      throw new Error('the work failed');
    });
    await assert.rejects(failing, /the work failed/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('counts the work as done although somebody took the lock away meanwhile', async () => {
    const tidied = withLock(path, within(1_000), async () => {
      rmSync(path);
      return 'done';
    });
    assert.equal(await tidied, 'done');
  });

  it('waits for another process and gives up with the deadline', async () => {
    await holder();
    const waiting = withLock(path, within(100), async () => assert.fail('it is held'));
    await assert.rejects(waiting, (error: Failure) => {
      assert.equal(error.kind, 'timeout');
      assert.match(error.message, /while waiting for the thing/);
      return true;
    });
    assert.deepEqual(readdirSync(folder), ['thing']);
  });

  it('takes the lock over from a process that was killed', async () => {
    const child = await holder();
    child.kill('SIGKILL');
    await once(child, 'exit');
    let ran = 0;
    const work = async () => {
      ran += 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(path, within(2_000), work)));
    assert.equal(ran, 3);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('takes the lock over from a process that is dead although nobody asked how it ended', async () => {
    const script = 'sleep 60 & echo $!; kill -9 $!; exec sleep 60';
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(parent);
    const [pid] = await once(parent.stdout, 'data');
    while (!/\) Z /.test(readFileSync(`/proc/${Number(pid)}/stat`, 'latin1'))) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    symlinkSync(identity(Number(pid)), path);
    assert.equal(await withLock(path, within(2_000), async () => 'ran'), 'ran');
  });

  it('takes the lock over from a process whose id is another’s by now', async () => {
    const child = await holder();
    rmSync(path);
    symlinkSync(identity(child.pid).replace(/\.\d+\./, '.1.'), path);
    assert.equal(await withLock(path, within(2_000), async () => 'ran'), 'ran');
  });

  it('takes the lock over from before the machine was started again', async () => {
    const child = await holder();
    rmSync(path);
    symlinkSync(identity(child.pid).replace(/[0-9a-f]+$/, '00000000'), path);
    assert.equal(await withLock(path, within(2_000), async () => 'ran'), 'ran');
  });

  it('gets past a process that was killed while it took a dead one’s lock over', async () => {
    const [first, second] = [await holder(), spawn('sleep', ['60'])];
    children.push(second);
    await once(second, 'spawn');
    const dead = identity(first.pid);
    symlinkSync(identity(second.pid), `${path}.${dead}`);
    for (const child of [first, second]) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    assert.equal(await withLock(path, within(2_000), async () => 'ran'), 'ran');
    assert.deepEqual(readdirSync(folder), []);
  });

  it('does not take anything else for a lock', async () => {
    const inTheWay = { kind: 'config', message: `${path} is in the way: it is not a lock` };
    const lock = () => withLock(path, within(1_000), async () => 1);
    writeFileSync(path, 'not a lock');
    await assert.rejects(lock(), inTheWay);
    rmSync(path);
    symlinkSync('/etc/passwd', path);
    await assert.rejects(lock(), inTheWay);
    assert.deepEqual(readdirSync(folder), ['thing']);
  });

  it('says at once that no lock can be made there', async () => {
    const nowhere = join(folder, 'gone/thing');
    await assert.rejects(
      withLock(nowhere, within(60_000), async () => 1),
      { kind: 'upstream', message: `Could not make the lock ${nowhere}: ENOENT` },
    );
  });

  it('goes by its age where the system tells nothing of processes', async () => {
    symlinkSync('0.0.abcdef', path);
    const held = withLock(path, within(50), async () => assert.fail('it is held'));
    await assert.rejects(held, { kind: 'timeout' });
    const elevenMinutesAgo = Date.now() / 1000 - 660;
    lutimesSync(path, elevenMinutesAgo, elevenMinutesAgo);
    assert.equal(await withLock(path, within(2_000), async () => 'ran'), 'ran');
  });
});

/** The text that stands for a process: its id, when it started, and the boot it started in. */
function identity(pid: number | undefined): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8);
  return `${pid}.${started}.${boot}`;
}
