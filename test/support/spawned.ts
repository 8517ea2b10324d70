import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The file under test, as the test run has built it. */
export const builtFile = join(process.cwd(), 'build/out/outrigger');

export interface Spawned {
  /** Standard output and standard error as CloudStack gets them: in one. */
  readonly output: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly uid?: number;
  /** A shell script in which "$@" is the command, for what only a shell can set up. */
  readonly through?: string;
}

/** The environment of the management server, with this Node first in its PATH. */
export function serviceEnv(node = process.execPath): Record<string, string> {
  return { PATH: `${dirname(node)}:/usr/local/bin:/usr/bin:/bin`, LANG: 'C' };
}

/** Starts the file itself, never `node file`, and waits for its end. */
export function spawnFile(
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Spawned {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-out-'));
  const fd = openSync(join(folder, 'output'), 'w+');
  try {
    const { env, cwd, uid, through } = options;
    const command =
      through === undefined ? [file, ...args] : ['/bin/sh', '-c', through, 'sh', file, ...args];
    const { status, signal, error } = spawnSync(command[0] ?? '', command.slice(1), {
      stdio: ['pipe', fd, fd],
      timeout: 30_000,
      env: { ...serviceEnv(), ...env },
      cwd: cwd ?? '/',
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    if (error !== undefined) throw error;
    return { output: readFileSync(join(folder, 'output'), 'utf8'), exitCode: status, signal };
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A copy of the file alone in a folder that everybody may look into; `remove` takes it away. */
export function copyAlone(
  name = 'outrigger',
  file = builtFile,
): { readonly file: string; readonly folder: string; remove(): void } {
  const top = mkdtempSync(join(tmpdir(), 'outrigger-alone-'));
  const folder = join(top, 'extension');
  mkdirSync(folder, { mode: 0o755 });
  spawnSync('chmod', ['755', top]);
  const copy = join(folder, name);
  copyFileSync(file, copy);
  spawnSync('chmod', ['755', copy]);
  return { file: copy, folder, remove: () => rmSync(top, { recursive: true, force: true }) };
}
