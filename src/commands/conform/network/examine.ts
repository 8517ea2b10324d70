import { randomUUID } from 'node:crypto';
import { entryPointProblem } from '../../as-cloudstack/entry-point.ts';
import { createPlaces } from '../../as-cloudstack/pipes.ts';
import { withTempDir } from '../../temp-dir.ts';
import { type Examination, filesBeside, judged } from '../examine.ts';
import { createRunner } from '../runner.ts';
import { endProcessesWith } from '../survivors.ts';
import type { Transcript } from '../transcript.ts';
import { plantNetworks } from './cast.ts';
import { networkRules } from './rules.ts';
import { playNetworks } from './script.ts';

/** The details that CloudStack hands to a network extension are those of one registration. */
type NetworkExamination = Omit<Examination, 'details' | 'action'> & {
  readonly registration: Readonly<Record<string, string>>;
};

const callsToExpect = 100;

/** Calls the executable as CloudStack 4.23 calls a network extension, and judges every rule. */
export async function examineNetwork(examination: NetworkExamination) {
  const transcript = await gather(examination);
  const findings = networkRules.map((rule) => ({ rule, ...judged(rule, transcript) }));
  return { transcript, findings };
}

async function gather(examination: NetworkExamination): Promise<Transcript> {
  const { executable, registration } = examination;
  const entryProblem = entryPointProblem(executable);
  if (entryProblem !== undefined) {
    return { executable, entryProblem, calls: [], untried: new Map(), secrets: [], newFiles: [] };
  }
  const before = new Set(filesBeside(executable));
  const { cast, secrets } = plantNetworks(registration);
  const trace = randomUUID();
  return withTempDir(async (directory) => {
    const places = createPlaces(directory, callsToExpect);
    const runner = createRunner({ ...examination, places, trace, secrets });
    try {
      const stopped = await playNetworks(runner, cast);
      const newFiles = filesBeside(executable).filter((name) => !before.has(name));
      const { calls, untried } = runner;
      const ended = { executable, calls, untried, secrets, newFiles };
      return stopped === undefined ? ended : { ...ended, stopped };
    } finally {
      endProcessesWith(trace);
    }
  });
}
