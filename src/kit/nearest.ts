/**
 * The candidate that a mistyped word most likely means, or `undefined` when none is near.
 *
 * Case, and `-` or `_`, do not count; a missing, extra, wrong or swapped letter is one edit, and
 * short words get fewer of them, since everything is near to a short word.
 */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  most: 1 | 2 = 2,
): string | undefined {
  let best: string | undefined;
  let fewest = most + 1;
  for (const candidate of candidates) {
    const room = Math.floor(Math.max(word.length, candidate.length) / 2);
    const needed = edits(plain(word), plain(candidate));
    if (needed < fewest && needed <= room) {
      best = candidate;
      fewest = needed;
    }
  }
  return best;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/-/g, '_');
}

/** How many letters have to be put in, taken out, changed or swapped with their neighbour. */
function edits(from: string, to: string): number {
  // What comes from outside may be long, and words so different in length are far apart anyway.
  if (Math.abs(from.length - to.length) > 2 || from.length > 100) return Number.MAX_SAFE_INTEGER;
  let before: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const line = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      line[column] = Math.min(
        (above[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Number.MAX_SAFE_INTEGER,
      );
    }
    before = above;
    above = line;
  }
  return above[to.length] ?? 0;
}
