import type { Break, Broken } from './backend.ts';

/** Where an action of so many changes is to be broken off. */
export type Breaks = (changes: number) => readonly Break[];

/** After change n is for good the same as before change n + 1: who was killed does not know more. */
export const forGood: Breaks = (changes) => [
  { change: 1, how: 'before', lasts: true },
  ...each(changes, { how: 'after', lasts: true }),
];
export const once: Breaks = (changes) => [
  ...each(changes, { how: 'before', lasts: false }),
  ...each(changes, { how: 'after', lasts: false }),
];

function each(changes: number, more: Omit<Break, 'change'>): readonly Break[] {
  return Array.from({ length: changes }, (_, index) => ({ ...more, change: index + 1 }));
}

/** The decisions for a backend about every request that reaches it while there is a break. */
export interface Judge extends Pick<Broken, 'changes'> {
  /** Ends the connection before the request is done, or after; `undefined` lets it pass. */
  judge(isChange: boolean): Break['how'] | undefined;
}

/** Counts the changing requests and strikes where the break is to be. */
export function judgeBy({ change, how, lasts }: Break): Judge {
  let changes = 0;
  let struck = false;
  return {
    changes: () => changes,
    judge(isChange) {
      if (struck) return lasts ? 'before' : undefined;
      if (!isChange) return undefined;
      changes += 1;
      if (changes < change) return undefined;
      struck = true;
      return how;
    },
  };
}
