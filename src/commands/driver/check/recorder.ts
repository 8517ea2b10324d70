import { deadlineIn } from '../../../kit/deadline.ts';
import type { DriverTools } from '../../../providers/index.ts';

type Runs = DriverTools['runProcess'];
export type Ended = Awaited<ReturnType<Runs>>;
export type Play = (
  word: Parameters<DriverTools['isReading']>[0],
  input: string,
  deadline: Parameters<Runs>[0]['deadline'],
) => Promise<Ended>;

/** One run of the driver, as it stands in the report beside a broken rule. */
export interface Recorded {
  readonly word: string;
  readonly input: string;
  readonly ended: Ended;
  readonly ms: number;
}

/**
 * Where a call is interrupted: at which changing primitive, counted from 1; after it was done with its
 * answer lost, or in the middle of it. Everything that follows fails, as if our process were gone.
 */
export interface Interruption {
  readonly change: number;
  readonly how: 'after' | 'middle';
}

/** Runs the driver, remembers its runs, and interrupts it where a rule wants that. */
export interface Recorder {
  readonly play: Play;
  readonly runs: readonly Recorded[];
  /** Until the next call of this; answers how many changing primitives there were since the last. */
  interrupt(where: Interruption | undefined): number;
}

export function createRecorder(tools: DriverTools, path: string): Recorder {
  const runs: Recorded[] = [];
  let where: Interruption | undefined;
  let changes = 0;
  let dead = false;
  return {
    runs,
    interrupt(next) {
      const before = changes;
      [where, changes, dead] = [next, 0, false];
      return before;
    },
    async play(word, input, deadline) {
      if (dead) return killed;
      const counts = !tools.isReading(word);
      if (counts) changes += 1;
      const strikes = counts && where?.change === changes;
      const began = performance.now();
      const until = strikes && where?.how === 'middle' ? deadlineIn(usual(runs, word)) : deadline;
      const start = { path, word, input, environment: {}, deadline: until };
      const ended = await tools.runProcess(start);
      runs.push({ word, input, ended, ms: Math.round(performance.now() - began) });
      if (strikes) dead = true;
      return strikes ? killed : ended;
    },
  };
}

/** Half of the time, in seconds, that the primitive took when nothing interrupted it. */
function usual(runs: readonly Recorded[], word: string): number {
  const [first] = runs.filter((run) => run.word === word);
  return (first?.ms ?? 40) / 2000;
}

const killed: Ended = {
  ...{ how: 'exit', exitCode: null, signal: 'SIGKILL' },
  ...{ stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) },
};
