import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type FaultCase, idOf, play, type Result } from './fault-case.ts';

/** The result of a case, as it is kept for the report. */
export interface Kept {
  readonly told: string;
  readonly end: string;
  readonly complaints: readonly string[];
  readonly requests: number;
  readonly changes: number;
  readonly date: string;
}

const folder = 'build/faults';
const file = `${folder}/results.json`;

/** The results of this and, where only a part is played, of earlier runs. */
export function readResults(afresh: boolean): Map<string, Kept> {
  if (afresh) return new Map();
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8'))));
  } catch {
    return new Map();
  }
}

export function keepResults(results: ReadonlyMap<string, Kept>): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(Object.fromEntries(results), null, 1));
}

export function toKeep({ told, end, complaints, requests, changes }: Result): Kept {
  return { told, end, complaints, requests, changes, date: new Date().toISOString().slice(0, 10) };
}

const lateness = /time was up|the fault never injected/;

/**
 * Plays a case, and once more if it was late, since where many processes compete that may be the
 * machine's fault; what was really late is late again.
 */
export async function playFairly(faultCase: FaultCase, program: string): Promise<Result> {
  const result = await attempt(faultCase, program);
  if (!result.complaints.some((each) => lateness.test(each))) return result;
  process.stdout.write(`${idOf(faultCase)} was late and is played once more\n`);
  return attempt(faultCase, program);
}

/** A case that cannot even be played counts as a failure, too. */
async function attempt(faultCase: FaultCase, program: string): Promise<Result> {
  try {
    return await play(faultCase, program);
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { told: '?', end: '?', complaints: [why], requests: 0, changes: 0, tookMs: 0 };
  }
}
