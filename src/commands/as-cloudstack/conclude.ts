import type { Members } from '../json.ts';
import { unreadable } from './api-text.ts';
import { type ConsoleTarget, consoleOutcome, readConsole } from './console.ts';
import { displayDoubts, type ShownTable, shownTable } from './custom-result.ts';
import { doubtsAbout } from './doubts.ts';
import { isPowerWord, type PowerWord, readPower, readPowers } from './power.ts';
import { type Prepared, readPrepared } from './prepared.ts';
import type { Raw } from './raw.ts';
import { builtInActions } from './time-outs.ts';

/** The conclusion that CloudStack draws from one run. */
export interface Conclusion {
  readonly action: string;
  /** Whether CloudStack goes on as after a success. */
  readonly success: boolean;
  /** One sentence: what CloudStack takes from the answer. */
  readonly verdict: string;
  /** The text that the caller of the API gets to see. */
  readonly shown: string;
  /** Why the caller of the API cannot read the answer that the text goes into; absent when it can. */
  readonly unreadable?: string;
  /** Parts of the answer that were probably meant and that CloudStack ignores. */
  readonly doubts: readonly string[];
  /** status: the state as CloudStack reads it; absent when nothing is reported at all. */
  readonly power?: PowerWord;
  /** statuses: by instance name; absent when CloudStack falls back to status. */
  readonly powers?: Readonly<Record<string, PowerWord>>;
  readonly prepared?: Prepared;
  readonly console?: ConsoleTarget;
  /** Custom actions: what the user interface shows besides its message. */
  readonly table?: ShownTable;
}

type Judgement = Omit<Conclusion, 'action' | 'doubts'> & { readonly doubts?: readonly string[] };

/**
 * Judges a run by the action's own rules.
 *
 * `payload` is what the executable was given, where it can be read: prepare is merged into it.
 */
export function conclude(action: string, raw: Raw, payload: Members | undefined): Conclusion {
  const judge = isBuiltIn(action) ? judges[action] : custom;
  const judged = judge({ action, raw, payload });
  const why = goesIntoTheApi(action, raw) ? unreadable(raw.text) : undefined;
  return {
    action,
    ...judged,
    ...(why === undefined ? {} : { unreadable: why }),
    doubts: [
      ...(why === undefined ? [] : [`The caller cannot read the answer: ${why}`]),
      ...doubtsAbout(raw),
      ...(judged.doubts ?? []),
    ],
  };
}

/**
 * A custom action's whole text is its result, and prepare's details are listed with the instance; of
 * the others it is the text of a failure, which a forced stop shows as well.
 */
function goesIntoTheApi(action: string, { succeeded }: Raw): boolean {
  if (!isBuiltIn(action) || action === 'prepare') return true;
  return !succeeded && ['stop', 'reboot', 'delete'].includes(action);
}

interface Case {
  readonly action: string;
  readonly raw: Raw;
  readonly payload: Members | undefined;
}

type Judge = (judged: Case) => Judgement;

const judges: Readonly<Record<(typeof builtInActions)[number], Judge>> = {
  prepare,
  create: started,
  start: started,
  stop: (c) =>
    changed(
      c,
      'The instance is Stopped',
      `Unable to stop VM instance ${named(c)}; of a forced stop also ${c.raw.text}`,
    ),
  reboot: (c) =>
    changed(c, 'The instance was rebooted', `Unable to reboot VM ${named(c)} due to ${c.raw.text}`),
  delete: (c) =>
    changed(c, 'The instance is expunged', `Unable to expunge ${named(c)} due to ${c.raw.text}`),
  status,
  statuses,
  getconsole,
};

function isBuiltIn(action: string): action is keyof typeof judges {
  return (builtInActions as readonly string[]).includes(action);
}

function started(c: Case): Judgement {
  const log = 'see management server log for details';
  return changed(c, 'The instance is Running', `Unable to start instance ${named(c)}, ${log}`);
}

function changed({ raw }: Case, done: string, failed: string): Judgement {
  if (!raw.succeeded) return failure(raw, failed);
  return {
    success: true,
    verdict: `Success by exit code 0; the output is never read`,
    shown: done,
  };
}

function failure(raw: Raw, shown: string): Judgement {
  return { success: false, verdict: `Failure: ${raw.text}`, shown };
}

function prepare(c: Case): Judgement {
  const { raw, payload } = c;
  const shown = `Unable to orchestrate the start of VM instance ${named(c)}`;
  if (!raw.succeeded) return failure(raw, shown);
  const prepared = readPrepared(raw.text, payload);
  if (typeof prepared === 'string') {
    return { success: false, verdict: `Failed to parse VM: ${prepared}`, shown };
  }
  const details = Object.keys(prepared.details).length;
  const kept = `${counted(prepared.nics.length, 'NIC')} and ${counted(details, 'detail')}`;
  return {
    success: true,
    verdict: `Success; CloudStack keeps changes to ${kept}`,
    shown: 'The deployment goes on with create',
    prepared,
    doubts: prepared.ignored.map((what) => `Ignored: ${what}`),
  };
}

function status({ raw }: Case): Judgement {
  if (raw.ended === 'not-configured' || raw.ended === 'not-started') {
    const aborted = raw.ended === 'not-started';
    const verdict = aborted
      ? 'The ping of the whole host is aborted: External operation failed'
      : `Nothing is reported for any instance: ${raw.text}`;
    return { success: false, verdict, shown: aborted ? 'The host goes behind on ping' : 'Nothing' };
  }
  if (!raw.succeeded) {
    const verdict = `PowerUnknown, as the call failed: ${raw.text}`;
    return { success: false, power: 'PowerUnknown', verdict, shown: 'The state stays as it was' };
  }
  const { power, word } = readPower(raw.text);
  const said =
    word === undefined ? 'no state was found in the output' : `the output says "${word}"`;
  return {
    success: word !== undefined && isPowerWord(word),
    power,
    verdict: `${power}: ${said}`,
    shown: powerShown[power],
  };
}

const powerShown: Readonly<Record<PowerWord, string>> = {
  PowerOn: 'Running, with an alert if CloudStack thought otherwise',
  PowerOff: 'Stopped, after a call of stop if CloudStack thought it ran',
  PowerUnknown: 'The state stays as it was',
};

function statuses({ raw }: Case): Judgement {
  const read = raw.succeeded ? readPowers(raw.text) : { refused: raw.text };
  if ('refused' in read) {
    const verdict = `CloudStack falls back to one status per instance: ${read.refused}`;
    return { success: false, verdict, shown: 'What status says of each instance' };
  }
  const powers = [...read.reports].map(([name, { power }]) => [name, power] as const);
  const odd = [...read.reports].filter(([, { word = '' }]) => !isPowerWord(word));
  return {
    success: true,
    powers: Object.fromEntries(powers),
    verdict: `Taken as the whole truth about this host: ${counted(powers.length, 'instance')}`,
    shown: 'Running instances of this host that are missing become Stopped after two pings',
    doubts: odd.map(([name, { word }]) => `"${word}" for ${name} is read as PowerUnknown`),
  };
}

function getconsole({ raw }: Case): Judgement {
  const shown = 'Console access to this instance cannot be provided';
  if (!raw.succeeded) return failure(raw, shown);
  const console = readConsole(raw.text);
  if (typeof console === 'string') return { success: false, verdict: console, shown };
  const outcome = consoleOutcome(console);
  return {
    success: outcome.problem === undefined,
    verdict: outcome.problem === undefined ? 'Success' : `Accepted, but ${outcome.problem}`,
    shown: outcome.shown,
    console,
  };
}

function custom({ action, raw }: Case): Judgement {
  if (!raw.succeeded) {
    const shown = `API: success=false, details: ${raw.text}; UI: Failed to complete ${action}`;
    return failure(raw, shown);
  }
  const table = shownTable(raw.text);
  const below = table === undefined ? 'and nothing of the output' : 'and a table';
  return {
    success: true,
    verdict: 'Success by exit code 0; the whole output becomes the details',
    shown: `API: success=true, details: the output; UI: Successfully completed ${action} ${below}`,
    ...(table === undefined ? {} : { table }),
    doubts: displayDoubts(raw.text),
  };
}

function named({ payload }: Case): string {
  const text = (key: string): string => String(payload?.[key] ?? '?');
  return `'${text('virtualmachinename')}' (${text('virtualmachineid')})`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
