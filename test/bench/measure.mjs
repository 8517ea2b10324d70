import { spawn } from 'node:child_process';

/*
 * What one process costs is known exactly only to whoever waits for it with wait4, which Node does
 * not offer; Python's standard library does. Times come in microseconds, not in clock ticks.
 */
const script = `
import json, os, random, sys, time
order = json.load(sys.stdin)
null = os.open(os.devnull, os.O_RDWR)
rounds = []
for _ in range(order['rounds']):
    names = list(order['cases'])
    random.shuffle(names)
    round = {}
    for name in names:
        argv = order['cases'][name]
        begun = time.monotonic()
        pid = os.posix_spawn(argv[0], argv, order['env'],
                             file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)])
        _, status, usage = os.wait4(pid, 0)
        round[name] = {
            'cpuMs': (usage.ru_utime + usage.ru_stime) * 1000,
            'wallMs': (time.monotonic() - begun) * 1000,
            'megabytes': usage.ru_maxrss / 1024,
            'exit': os.waitstatus_to_exitcode(status),
        }
    rounds.append(round)
json.dump(rounds, sys.stdout)
`;

/**
 * Runs every case once in each round, in an order that changes, and answers the rounds.
 *
 * `cases` are command lines by name; the environment is `env` and nothing else. Needs python3.
 */
export function measure({ cases, env, rounds }) {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.on('error', () => reject(new Error('python3 (3.9 or newer) is needed for measuring')));
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`python3 ended with ${code}`));
    });
    child.stdin.end(JSON.stringify({ cases, env, rounds }));
  });
}

/** One line per case: its median cost and, against the first case of the same round, its ratio. */
export function summarize(rounds, names) {
  const [base] = names;
  return names.map((name) => {
    const of = (pick) => median(rounds.map((round) => pick(round[name], round[base])));
    return {
      name,
      cpuMs: of((own) => own.cpuMs),
      cpuRatio: of((own, first) => own.cpuMs / first.cpuMs),
      wallMs: of((own) => own.wallMs),
      wallRatio: of((own, first) => own.wallMs / first.wallMs),
      megabytes: of((own) => own.megabytes),
      exits: [...new Set(rounds.map((round) => round[name].exit))],
    };
  });
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
