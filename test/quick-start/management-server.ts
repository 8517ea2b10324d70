import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A management server whose file system lies in a folder, with the unpacked package beside it. */
export interface ManagementServer {
  readonly tree: string;
  /** The environment of calls, which find configuration and secrets below the folder. */
  readonly env: Readonly<Record<string, string>>;
  /** Saves a file beside the package, as an operator pastes it. */
  save(name: string, content: string): void;
  has(name: string): boolean;
  /** Runs a line in a shell in the folder of the package. */
  run(line: string): Promise<{ readonly code: number | null; readonly output: string }>;
  remove(): void;
}

/** The reason why this machine cannot play a management server; undefined where it can. */
export function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can install files of user cloud';
  const lacking = ['/usr/bin/openssl', '/usr/bin/jq'].find((file) => !existsSync(file));
  if (lacking !== undefined) return `there is no ${lacking}`;
  const known = spawnSync('id', ['cloud']).status === 0;
  return known ? undefined : 'there is no user cloud on this machine';
}

export function startServer(): ManagementServer {
  const top = mkdtempSync(join(realpathSync(tmpdir()), 'outrigger-quick-'));
  chmodSync(top, 0o755);
  const at = (path: string): string => join(top, 'root', path);
  const work = join(top, 'package');
  const tree = at('usr/share/cloudstack-management/extensions');
  for (const folder of [tree, at('etc/default'), at('srv'), at('state'), work, join(top, 'bin')]) {
    mkdirSync(folder, { recursive: true });
  }
  spawnSync('chown', ['cloud:cloud', tree]);
  symlinkSync(join(process.cwd(), 'install.sh'), join(work, 'install.sh'));
  symlinkSync(join(process.cwd(), 'build/out'), join(work, 'out'));
  // The test is root, and install.sh has a file system of its own.
  write(join(top, 'bin/sudo'), '#!/bin/sh\nexec "$@"\n');
  const path = `${join(top, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`;
  writeFileSync(at('etc/default/cloudstack-management'), `PATH="${path}"\n`);
  const config = at('config.json');
  const settings = {
    secrets_directory: at('etc/outrigger/secrets'),
    state_directory: at('state'),
    log: { enabled: false },
    drivers: { directory: at('etc/outrigger/drivers') },
  };
  writeFileSync(config, JSON.stringify(settings));
  const env = { PATH: path, LANG: 'C', OUTRIGGER_CONFIG: config, HOME: top };
  return {
    ...{ tree, env },
    save: (name, content) => writeFileSync(join(work, name), content, { mode: 0o600 }),
    has: (name) => existsSync(join(work, name)),
    async run(line) {
      const here = line
        .replaceAll('./install.sh', `./install.sh --prefix ${join(top, 'root')}`)
        .replaceAll('/srv/', `${at('srv')}/`);
      return ended(spawn('/bin/bash', ['-c', here], { cwd: work, env }));
    },
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}

function write(file: string, content: string): void {
  writeFileSync(file, content);
  chmodSync(file, 0o755);
}

async function ended(child: ChildProcess) {
  const parts: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => void parts.push(String(chunk)));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output: parts.join('') };
}
