import type { Item } from './items.ts';
import type { Ended } from './process.ts';
import type { Host } from './system.ts';
import type { Outcome } from './verdict.ts';

export interface Line {
  readonly provider: string;
  readonly action: string;
  done: number;
  failed: number;
  killed: number;
  longestMs: number;
}

/** Counts what happened, and keeps what must not have happened. */
export interface Counters {
  readonly lines: ReadonlyMap<string, Line>;
  readonly violations: readonly string[];
  /** How often which trouble came, by system and what it was. */
  readonly troubles: ReadonlyMap<string, number>;
  count(host: Host, ended: Ended, outcome: Outcome): void;
  trouble(provider: string, what: string): void;
  /** With all that was done to the instance that it is about. */
  violation(what: string, about?: Item): void;
}

/** More of these say nothing that the first ones do not. */
const mostViolations = 50;

export function createCounters(): Counters {
  const lines = new Map<string, Line>();
  const violations: string[] = [];
  const troubles = new Map<string, number>();
  return {
    ...{ lines, violations, troubles },
    count({ provider }, { action, ms }, outcome) {
      const key = `${provider} ${action}`;
      const none = { done: 0, failed: 0, killed: 0, longestMs: 0 };
      const line = lines.get(key) ?? { provider, action, ...none };
      line[outcome] += 1;
      line.longestMs = Math.max(line.longestMs, ms);
      lines.set(key, line);
    },
    trouble(provider, what) {
      const key = `${provider}: ${what}`;
      troubles.set(key, (troubles.get(key) ?? 0) + 1);
    },
    violation(what, about) {
      const story = (about?.story ?? []).map((line) => `\n    ${line}`).join('');
      if (violations.length < mostViolations) violations.push(what + story);
    },
  };
}
