import type { RemoteMachine } from '../../../contract/machine.ts';
import { Failure, fullText } from '../../../failure.ts';
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

const rules: readonly Rule[] = [
  ...lifeRules,
  ...primitiveRules,
  ...interruptionRules,
  ...optionalRules,
];

/** Plays every rule in turn; a broken one leaves nothing behind for the next, as far as that can be. */
export async function examine(
  bench: Bench,
  onStep: (rule: string) => void,
  quick: boolean,
): Promise<readonly Verdict[]> {
  const before = await bench.strangers();
  const verdicts: Verdict[] = [];
  const played = quick ? rules.filter((rule) => !interruptionRules.includes(rule)) : rules;
  for (const rule of played) {
    onStep(rule.title);
    verdicts.push(await judge(bench, rule));
    await cleanUp(bench);
  }
  return [...verdicts, strangersUntouched(before, await bench.strangers())];
}

async function judge(bench: Bench, { title, skip, play }: Rule): Promise<Verdict> {
  const reason = skip?.(bench);
  if (reason !== undefined) return { rule: title, state: 'skipped', reason };
  const { recorder } = bench;
  const first = recorder.runs.length;
  recorder.interrupt(undefined);
  try {
    await play(bench);
    return { rule: title, state: 'kept' };
  } catch (thrown) {
    recorder.interrupt(undefined);
    const run = recorder.runs.slice(first).at(-1);
    const text = thrown instanceof Broken ? thrown.message : fullText(Failure.from(thrown));
    return { rule: title, state: 'broken', reason: text, ...(run === undefined ? {} : { run }) };
  }
}

/** Removes by the driver's own primitive: all that is marked by this check was made by it. */
async function cleanUp({ verbs, client }: Bench): Promise<void> {
  const { deadlineIn } = await import('../../../kit/deadline.ts');
  try {
    for (const { remoteId: id, name, mark } of await verbs('looker').machines()) {
      if (typeof mark !== 'object' || !mark.installation.startsWith('check-')) continue;
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
