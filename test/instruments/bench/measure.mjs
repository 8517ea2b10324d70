import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/*
 * What one process costs is known exactly only to whoever waits for it with wait4, which Node does
 * not offer; Python's standard library does. Times come in microseconds, not in clock ticks. The
 * output is read as CloudStack reads it: from a pipe, after the process has ended.
 */
const script = `
import json, os, sys, time
null = os.open(os.devnull, os.O_RDWR)
for line in sys.stdin:
    order = json.loads(line)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    argv = order['argv']
    begun = time.monotonic()
    pid = os.posix_spawn(argv[0], argv, order['env'], file_actions=[
        (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, writer, 1),
        (os.POSIX_SPAWN_DUP2, writer, 2)])
    _, status, usage = os.wait4(pid, 0)
    ended = time.monotonic()
    os.close(writer)
    output = os.read(reader, 65536).decode(errors='replace')
    os.close(reader)
    json.dump({
        'cpuMs': (usage.ru_utime + usage.ru_stime) * 1000,
        'wallMs': (ended - begun) * 1000,
        'megabytes': usage.ru_maxrss / 1024,
        'exit': os.waitstatus_to_exitcode(status),
        'output': output,
    }, sys.stdout)
    print(flush=True)
`;

/** A process that runs others one by one and says what each has cost. Needs python3. */
export function startMeter() {
  const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = [];
  let gone = false;
  const end = () => {
    gone = true;
    for (const { reject } of waiting.splice(0)) reject(new Error('python3 has ended'));
  };
  child.once('error', end).once('close', end);
  child.stdin.on('error', end);
  createInterface({ input: child.stdout }).on('line', (line) => {
    waiting.shift()?.resolve(JSON.parse(line));
  });
  return {
    /** Runs a command line in this environment and nothing else. */
    run(argv, env) {
      if (gone) return Promise.reject(new Error('python3 (3.9 or newer) is needed for measuring'));
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify({ argv, env })}\n`);
      });
    },
    close: () => child.stdin.end(),
  };
}

/**
 * A call beside `node -e 0` run right before or after it, since what the machine has to do besides
 * changes within seconds.
 */
export async function runPair(meter, { base, call, env, baseFirst }) {
  const first = await meter.run(baseFirst ? base : call, env);
  const second = await meter.run(baseFirst ? call : base, env);
  const [floor, own] = baseFirst ? [first, second] : [second, first];
  if (floor.exit !== 0) throw new Error(`${base.join(' ')} ended with ${floor.exit}`);
  return { ...own, floorCpuMs: floor.cpuMs, floorWallMs: floor.wallMs };
}

/** The medians of what one step took, pair by pair for ratios, and the most that it asked. */
export function summarize(samples) {
  const of = (pick) => median(samples.map(pick));
  const most = (pick) => Math.max(...samples.map(pick));
  return {
    cpuMs: of(({ cpuMs }) => cpuMs),
    cpuRatio: of(({ cpuMs, floorCpuMs }) => cpuMs / floorCpuMs),
    wallMs: of(({ wallMs }) => wallMs),
    wallRatio: of(({ wallMs, floorWallMs }) => wallMs / floorWallMs),
    megabytes: of(({ megabytes }) => megabytes),
    requests: most(({ requests }) => requests),
    connections: most(({ connections }) => connections),
    kilobytes: most(({ traffic }) => traffic / 1000),
    answer: most(({ output }) => Buffer.byteLength(output)),
    starts: most(({ starts = 0 }) => starts),
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
