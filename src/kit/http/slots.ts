import type { Failure } from '../../failure.ts';
import type { Expiry } from './expiry.ts';

/** Lets so many pieces of work run at once and the others wait in the order they came. */
export interface Slots {
  /** Ends with what gives the slot back; fails when the time is up first. */
  take(expiry: Expiry, timeUp: () => Failure): Promise<() => void>;
}

export function createSlots(most: number): Slots {
  const waiting = new Set<() => void>();
  let free = most;
  const giveBack = (): void => {
    const [next] = waiting;
    if (next === undefined) free += 1;
    else next();
  };
  return {
    take: (expiry, timeUp) =>
      new Promise((resolve, reject) => {
        if (free > 0) {
          free -= 1;
          return resolve(giveBack);
        }
        const release = expiry.onEnd(() => {
          waiting.delete(go);
          reject(timeUp());
        });
        const go = (): void => {
          waiting.delete(go);
          release();
          resolve(giveBack);
        };
        waiting.add(go);
      }),
  };
}
