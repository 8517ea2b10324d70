import { rmSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const inUse = new Set<string>();
let graceful: { signal?: NodeJS.Signals } | undefined;

/** Hands out a directory of our own (0700) that is gone afterwards, also after Ctrl-C. */
export async function withTempDir<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'outrigger-'));
  if (inUse.size === 0) for (const signal of signals) process.on(signal, stop);
  inUse.add(directory);
  try {
    return await work(directory);
  } finally {
    inUse.delete(directory);
    if (inUse.size === 0) for (const signal of signals) process.off(signal, stop);
    remove(directory);
  }
}

/**
 * Works in such a directory, and at the first signal goes on until `work`, which may ask for it, has
 * come to its own end; a second signal ends it at once.
 */
export async function withTempDirGraceful<T>(
  work: (directory: string, asked: () => NodeJS.Signals | undefined) => Promise<T>,
): Promise<T> {
  const mine: { signal?: NodeJS.Signals } = {};
  graceful = mine;
  try {
    return await withTempDir((directory) => work(directory, () => mine.signal));
  } finally {
    graceful = undefined;
  }
}

function stop(signal: NodeJS.Signals): void {
  if (graceful !== undefined && graceful.signal === undefined) {
    graceful.signal = signal;
    return;
  }
  for (const directory of inUse) remove(directory);
  process.exit(128 + constants.signals[signal]);
}

function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
