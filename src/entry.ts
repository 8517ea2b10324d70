import { readFileSync, writeSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { defaultConfigFile } from './cloudstack/config-file.ts';
import { answerInternal } from './cloudstack/internal-command.ts';
import { serve } from './cloudstack/serve.ts';
import { commandWords, isCommandWord } from './commands/words.ts';
import type { Registry } from './contract/provider.ts';

/** Runs this process, for a call of CloudStack's or for an operator's command. */
export function run(registry: Registry): void {
  // Node.js cannot exit during a name look-up, and glibc asks a silent name server for ten seconds.
  process.env['RES_OPTIONS'] ??= 'timeout:2 attempts:2';
  const argv = process.argv.slice(2);
  if (isForOperator(argv)) operate(argv, registry);
  else serveCloudStack(argv, registry);
}

/** CloudStack always gives three arguments; a custom action may have the name of a command. */
function isForOperator(argv: readonly string[]): boolean {
  const [word, file = '', seconds = ''] = argv;
  const isCall = argv.length === 3 && /^\d+$/.test(seconds);
  if (isCall && file.startsWith('/')) return false;
  if (word !== undefined && isCommandWord(word)) return true;
  // A terminal gets help and suggestions; a pipe gets a JSON document.
  return !isCall && process.stdout.isTTY === true;
}

function operate(argv: readonly string[], registry: Registry): void {
  import('./commands/run.ts')
    .then(({ runCommand }) =>
      runCommand(argv, {
        out: (line) => print(1, `${line}\n`),
        err: (line) => print(2, `${line}\n`),
        terminal: process.stdout.isTTY === true,
        registry,
        self: resolve(process.argv[1] ?? ''),
        env: process.env,
      }),
    )
    .then(
      (code) => process.exit(code),
      (error: unknown) => {
        print(2, `outrigger: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exit(1);
      },
    );
}

function serveCloudStack(argv: readonly string[], registry: Registry): void {
  const home = process.env['HOME'];
  const configFile = process.env['OUTRIGGER_CONFIG'] ?? defaultConfigFile;
  const internal = answerInternal(argv, { configFile, home });
  if (internal !== undefined) process.exit(print(1, internal.text, 5) ? internal.exitCode : 1);
  const uid = process.getuid?.() ?? -1;
  const call = serve({
    ...{ argv, registry, home, configFile },
    commandWords,
    startedAs: basename(process.argv[1] ?? ''),
    verbs: async () => (await import('./lifecycle/index.ts')).verbsOf,
    clock: () => process.uptime() * 1000,
    time: () => new Date(),
    pid: process.pid,
    uid,
    mayCreate: uid !== 0,
    hostname,
    random: Math.random,
  });
  process.on('uncaughtException', call.crash);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => call.interrupt(`Stopped by ${signal}`));
  }
  call.result.then(
    ({ text, exitCode }) => process.exit(print(1, text, 5) ? exitCode : 1),
    () => process.exit(1),
  );
}

/** From the kernel's file, which is cheaper than loading node:os. */
function hostname(): string {
  try {
    return readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * Writes the whole text now, which `process.stdout` does not; returns whether that succeeded.
 *
 * CloudStack's pipe holds 65,536 bytes, so a CloudStack call waits here only for a slow reader;
 * an operator's pager may take any time.
 */
function print(fd: number, text: string, waitSeconds = Infinity): boolean {
  const bytes = Buffer.from(text);
  const waitsUntil = process.uptime() + waitSeconds;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || process.uptime() > waitsUntil) {
        return false;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  return true;
}
