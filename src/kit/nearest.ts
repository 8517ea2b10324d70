/**
 * The candidate that a mistyped word most likely means, or `undefined` when none is near.
 *
 * Upper and lower case are equal, and so are `-` and `_`; a missing, extra, wrong or swapped letter
 * is one edit. Two edits are allowed, fewer for short candidates, since any word is near to those.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(word);
  const isNear = (candidate: string, edits: number): boolean =>
    edits <= candidate.length / 2 && isWithin(edits, wanted, plain(candidate));
  for (const edits of [0, 1, 2]) {
    const found = candidates.find((candidate) => isNear(candidate, edits));
    if (found !== undefined) return found;
  }
  return undefined;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/-/g, '_');
}

/** Whether so many letters inserted, deleted, replaced or swapped turn one word into the other. */
function isWithin(edits: number, from: string, to: string): boolean {
  // Words of such different lengths are far apart, and a word from outside may be very long.
  if (Math.abs(from.length - to.length) > edits) return false;
  let at = 0;
  while (at < from.length && from[at] === to[at]) at += 1;
  const [a, b] = [from.slice(at), to.slice(at)];
  if (edits === 0 || a === b) return a === b;
  const swapped = a[0] === b[1] && a[1] === b[0];
  return (
    isWithin(edits - 1, a.slice(1), b) ||
    isWithin(edits - 1, a, b.slice(1)) ||
    isWithin(edits - 1, a.slice(1), b.slice(1)) ||
    (swapped && isWithin(edits - 1, a.slice(2), b.slice(2)))
  );
}
