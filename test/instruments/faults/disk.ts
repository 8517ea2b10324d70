import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const isRoot = process.getuid?.() === 0;

const size = 256 * 1024;

/** Puts what the folder holds on a disk of its own that has no room left, until it is let go. */
export function fillUp(folder: string): () => void {
  const aside = `${folder}-aside`;
  carry(folder, aside);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', folder]);
  carry(aside, folder);
  const filler = join(folder, '.filler');
  try {
    for (;;) writeFileSync(filler, Buffer.alloc(4096), { flag: 'a' });
  } catch {
    // No space left on the device.
  }
  return () => {
    unlinkSync(filler);
    rmSync(aside, { recursive: true });
    carry(folder, aside);
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
    carry(aside, folder);
    rmSync(aside, { recursive: true });
  };
}

function carry(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  execFileSync('cp', ['-a', `${from}/.`, to]);
}
