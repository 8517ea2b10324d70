import { createHash } from 'node:crypto';

/** Small letters and digits that stand for a text, where a remote system takes few characters. */
export function shortHash(text: string, length: number): string {
  const hash = createHash('sha256').update(text).digest('hex');
  return BigInt(`0x${hash}`).toString(36).slice(-length);
}
