import type { Power, RemoteMachine } from '../../../contract/machine.ts';
import { Failure, isKind } from '../../../failure.ts';
import type { Bench } from './bench.ts';

/** One promise of a driver, as its author reads it. */
export interface Rule {
  /** A sentence that says what holds. */
  readonly title: string;
  /** Why the rule does not concern this driver. */
  skip?(bench: Bench): string | undefined;
  /** Throws a Broken, or any failure, where the driver breaks the promise. */
  play(bench: Bench): Promise<void>;
}

/** A promise that is broken, in the words of its author. */
export class Broken extends Error {}

export function demand(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Broken(sentence);
}

/** The one machine of the instance, as the driver lists it. */
export function onlyOne(machines: readonly RemoteMachine[], when: string): RemoteMachine {
  const [machine] = machines;
  const ids = machines.map(({ remoteId }) => remoteId).join(', ');
  demand(machine !== undefined, `${when}, list shows no machine with the mark of the instance`);
  demand(machines.length === 1, `${when}, there are ${machines.length} machines: ${ids}`);
  return machine;
}

export function demandPower(machine: RemoteMachine, wanted: Power, when: string): void {
  demand(
    machine.power === wanted,
    `${when}, list shows the state as ${machine.power}, not ${wanted}`,
  );
}

/** The work has to fail with one of these kinds. */
export async function demandRefusal(
  work: Promise<unknown>,
  kinds: Parameters<typeof isKind>[1][],
  sentence: string,
): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    if (isKind(thrown, ...kinds)) return;
    throw new Broken(`${sentence}; it failed otherwise: ${Failure.from(thrown).message}`);
  }
  throw new Broken(`${sentence}; it succeeded`);
}
