import { wrapped } from '../../table.ts';
import { type Paint, visibleLines } from '../../terminal.ts';
import type { Verdict } from './examine.ts';
import type { Recorded } from './recorder.ts';

export function trusted(verdicts: readonly Verdict[]): boolean {
  return verdicts.every(({ state }) => state !== 'broken');
}

/** The report for reading: the first line says whether the driver may be trusted. */
export function linesOf(
  driver: string,
  verdicts: readonly Verdict[],
  paint: Paint,
  quick: boolean,
): string[] {
  const count = (state: Verdict['state']): number =>
    verdicts.filter((each) => each.state === state).length;
  const why = trusted(verdicts) ? 'do not concern it' : 'were not played';
  const skipped = count('skipped') === 0 ? '' : `, ${count('skipped')} ${why}`;
  const as = quick ? 'may be trusted as far as --quick looks' : 'may be trusted';
  const first = trusted(verdicts)
    ? paint.green(`${driver} ${as}: it keeps ${count('kept')} rules${skipped}`)
    : paint.red(
        `${driver} may not be trusted: it breaks ${count('broken')} of ${count('broken') + count('kept')} rules${skipped}`,
      );
  const order = ['broken', 'skipped', 'kept'] as const;
  return [first, ...order.flatMap((state) => sectionOf(state, verdicts, paint))];
}

function sectionOf(state: Verdict['state'], verdicts: readonly Verdict[], paint: Paint): string[] {
  return verdicts
    .filter((each) => each.state === state)
    .flatMap(({ rule, reason, run }) => [
      ...(state === 'broken' ? [''] : []),
      `${labels[state]} ${state === 'broken' ? paint.bold(rule) : rule}`,
      ...(reason === undefined ? [] : wrapped(reason, 90).map((line) => `        ${line}`)),
      ...(run === undefined ? [] : runLines(run).map((line) => paint.dim(`        ${line}`))),
    ]);
}

const labels = { broken: 'BROKEN ', skipped: 'skipped', kept: 'kept   ' } as const;

const most = 600;

/** The call as its author can repeat it with `outrigger driver run`. */
function runLines({ word, input, ended, ms }: Recorded): string[] {
  const { stdout, stderr } = ended;
  return [
    `last call: ${word}, ${howItEnded(ended)}, ${ms} ms`,
    ...parts('request', Buffer.from(input)),
    ...parts('answer', stdout),
    ...parts('standard error', stderr),
  ];
}

export function howItEnded({ how, exitCode, signal }: Recorded['ended']): string {
  return how === 'exit' ? (signal ?? `exit code ${exitCode}`) : endings[how];
}

const endings = {
  deadline: 'killed at its deadline',
  'too-long': 'killed, since it printed too much',
  held: 'ended, with its output held open',
  'not-started': 'not started',
} as const;

function parts(name: string, bytes: Buffer): string[] {
  const text = bytes.toString('utf8').trim();
  if (text === '') return [];
  const cut = text.length > most ? `${text.slice(0, most)} ... (${text.length} characters)` : text;
  return [`${name}:`, ...visibleLines(cut).map((line) => `  ${line}`)];
}
