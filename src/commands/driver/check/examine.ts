import type { RemoteMachine } from '../../../contract/machine.ts';
import { Failure, fullText } from '../../../failure.ts';
import { deadlineIn } from '../../../kit/deadline.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import type { Bench } from './bench.ts';
import { interruptionRules } from './interruption-rules.ts';
import { lifeRules } from './life-rules.ts';
import { optionalRules } from './optional-rules.ts';
import { primitiveRules } from './primitive-rules.ts';
import type { Recorded } from './recorder.ts';
import { Broken, type Rule } from './rule.ts';

export interface Verdict {
  readonly rule: string;
  readonly state: 'kept' | 'broken' | 'skipped';
  /** Why it was skipped, or how it is broken. */
  readonly reason?: string;
  /** The run of the driver that shows it, as far as one does. */
  readonly run?: Recorded;
}

export interface Examination {
  /** A bench of its own for each rule, so that no rule sees the runs or the machines of another one. */
  open(): Bench;
  readonly quick: boolean;
  /** How many rules are played at a time. */
  readonly atOnce: number;
  onStep(step: string): void;
}

/** Without a machine there is nothing that the other rules could be played with. */
const [creation, ...lives] = lifeRules;

/**
 * Plays the rules, several at a time: each has instances of its own, as CloudStack has many, and a driver
 * that one instance's action confuses about another's may not be trusted.
 */
export async function examine(examination: Examination): Promise<readonly Verdict[]> {
  const { open, quick, atOnce, onStep } = examination;
  const bench = open();
  await removeLeft(bench, () => true);
  const before = await bench.strangers();
  const rules = [
    ...lives,
    // The longest of them first, so that none is left alone at the end.
    ...(quick ? [] : interruptionRules),
    ...primitiveRules,
    ...optionalRules,
  ];
  let begun = 0;
  const play = async (rule: Rule): Promise<Verdict> => {
    begun += 1;
    onStep(`${begun} of ${rules.length + 1}: ${rule.title}`);
    return playRule(open(), rule);
  };
  const first = creation === undefined ? [] : [await play(creation)];
  const works = first.every(({ state }) => state === 'kept');
  const others = works ? await mapLimit(rules, atOnce, play) : rules.map(notPlayed);
  return [...first, ...others, strangersUntouched(before, await bench.strangers())];
}

function notPlayed({ title }: Rule): Verdict {
  return { rule: title, state: 'skipped', reason: 'not played, since create has to work first' };
}

async function playRule(bench: Bench, { title, skip, play }: Rule): Promise<Verdict> {
  const reason = skip?.(bench);
  if (reason !== undefined) return { rule: title, state: 'skipped', reason };
  try {
    await play(bench);
    return { rule: title, state: 'kept' };
  } catch (thrown) {
    const run = bench.recorder.runs.at(-1);
    const text = thrown instanceof Broken ? thrown.message : fullText(Failure.from(thrown));
    return { rule: title, state: 'broken', reason: text, ...(run === undefined ? {} : { run }) };
  } finally {
    bench.recorder.interrupt(undefined);
    await removeLeft(bench, bench.isOwn);
  }
}

/**
 * Removes by the driver's own primitive: all that carries the mark of a check was made by one. Machines
 * that an interrupted check has left are removed before the first rule.
 */
async function removeLeft(
  { verbs, client }: Bench,
  isWanted: (uuid: string) => boolean,
): Promise<void> {
  try {
    for (const { remoteId: id, name, mark } of await verbs('looker').machines()) {
      if (typeof mark !== 'object' || !mark.installation.startsWith('check-')) continue;
      if (!isWanted(mark.uuid)) continue;
      const machine = { id, name, mark: null, state: 'unknown' } as const;
      const request = { machine, instance: { uuid: mark.uuid, name: mark.name } };
      await client.ask('destroy', request, { what: `remove ${id}`, deadline: deadlineIn(60) });
    }
  } catch (thrown) {
    // The rule that left the machine says what is wrong with the driver.
    Failure.from(thrown);
  }
}

function strangersUntouched(
  before: readonly RemoteMachine[],
  after: readonly RemoteMachine[],
): Verdict {
  const rule = 'machines that are none of the instances are never touched';
  const text = (machines: readonly RemoteMachine[]): string =>
    JSON.stringify([...machines].sort((a, b) => (a.remoteId < b.remoteId ? -1 : 1)));
  if (text(before) === text(after)) return { rule, state: 'kept' };
  const gone = before.filter((one) => !after.some(({ remoteId }) => remoteId === one.remoteId));
  const ids = gone.map(({ remoteId }) => remoteId).join(', ');
  const more = 'other machines on this system were changed meanwhile, or are left without a mark';
  return { rule, state: 'broken', reason: ids === '' ? more : `machines are gone: ${ids}` };
}
