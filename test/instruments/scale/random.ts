/** Numbers that look random and are the same again for the same seed. */
export interface Random {
  /** From 0 up to, but not, 1. */
  next(): number;
  chance(probability: number): boolean;
  /** A whole number below `most`. */
  below(most: number): number;
  between(least: number, most: number): number;
  pick<T>(list: readonly T[]): T;
  /** Another sequence, which does not depend on how far this one has come. */
  fork(number: number): Random;
}

/** Mulberry32, which passes the usual tests and fits into a few lines. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (most: number): number => Math.floor(next() * most);
  return {
    next,
    chance: (probability) => next() < probability,
    below,
    between: (least, most) => least + next() * (most - least),
    pick(list) {
      const chosen = list[below(list.length)];
      if (chosen === undefined) throw new Error('there is nothing to pick from');
      return chosen;
    },
    fork: (number) => createRandom(Math.imul(seed ^ 0x9e3779b9, number * 2 + 1)),
  };
}
