import { readFileSync, writeFileSync } from 'node:fs';
import { actions } from './actions.ts';
import { idOf, notReached } from './fault-case.ts';
import type { Kept } from './results.ts';
import type { SystemName } from './systems.ts';
import { casesOf, faults, lacking, none, providers, type Row, rowsOf } from './table.ts';

interface Played extends Kept {
  readonly id: string;
  readonly provider: string;
  readonly action: string;
  readonly fault: string;
}

const page = 'docs/reliability.md';

/** Puts the results between the markers of the page; what stands around them stays. */
export function writeReport(results: ReadonlyMap<string, Kept>): void {
  const played = [...results].map(([id, kept]) => {
    const [provider = '', action = '', fault = ''] = id.split(/[/@]/);
    return { id, provider, action, fault, ...kept };
  });
  const rows = faults.map(({ name, about }) => `| ${name} | ${about} |`);
  const legend = ['', '| fault | what happens |', '| --- | --- |', ...rows, ''].join('\n');
  const text = readFileSync(page, 'utf8');
  const filled = between(between(text, 'legend', legend), 'table', `\n${reportOf(played)}\n`);
  writeFileSync(page, filled);
}

function between(text: string, name: string, content: string): string {
  const marker = `<!-- ${name} -->\n`;
  const [before, , after] = text.split(marker);
  if (before === undefined || after === undefined) throw new Error(`${page} has no two ${marker}`);
  return `${before}${marker}${content}\n${marker}${after}`;
}

function reportOf(results: readonly Played[]): string {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const failed = results.filter(({ complaints }) => complaints.length > 0);
  const date = results
    .map((each) => each.date)
    .sort()
    .at(-1);
  const outcome = failed.length === 0 ? 'every verdict was met' : `${failed.length} failed`;
  const rows = new Set(results.map(({ id }) => id.replace(/@.*/, ''))).size;
  const all = providers.flatMap((provider) => applying(provider, results)).length;
  return [
    `Outrigger ${version}, Node ${process.versions.node}, ${date}: ${results.length} cases of ${rows} squares (of ${all}), ${outcome}.`,
    ...failures(failed),
    ...providers.flatMap((provider) => {
      const own = results.filter((each) => each.provider === provider);
      return own.length === 0 ? [] : [`### ${provider}`, tableOf(provider, own)];
    }),
    ...skipped(),
  ].join('\n\n');
}

function failures(failed: readonly Played[]): readonly string[] {
  if (failed.length === 0) return [];
  const rows = failed.map(
    ({ id, complaints }) => `| \`${id}\` | ${short(complaints.join('; '))} |`,
  );
  return ['### Open', ['| case | complaint |', '| --- | --- |', ...rows].join('\n')];
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
  const plain = line.replace(/127\.0\.0\.1:\d+/g, 'HOST').replace(/r-[0-9a-z]{6}/g, 'r-...');
  return plain.length > 240 ? `${plain.slice(0, 240)} ...` : plain;
}

/** The rows with something to inject at, as far as that is known. */
function applying(
  provider: SystemName,
  results: readonly (Kept & { readonly id: string })[],
): readonly Row[] {
  const clean = new Map(results.map((each) => [each.id, each]));
  return rowsOf(provider).filter((row) => {
    const undisturbed = clean.get(idOf({ ...row, fault: none }));
    return undisturbed === undefined || casesOf(row, undisturbed).length > 0;
  });
}

/**
 * Why the page is not to be written: squares that neither this run plays nor an earlier one has played would be
 * emptied. `undefined` where there are none.
 */
export function refusalOf(
  results: ReadonlyMap<string, Kept>,
  isPlayedNow: (row: Row) => boolean,
): string | undefined {
  const played = [...results].map(([id, kept]) => ({ id, ...kept }));
  const known = new Set(played.map(({ id }) => id.replace(/@.*/, '')));
  const missing = providers
    .flatMap((provider) => applying(provider, played))
    .filter((row) => !known.has(idOf(row)) && !isPlayedNow(row));
  if (missing.length === 0) return undefined;
  return `--report would empty ${missing.length} squares of ${page}, such as ${idOf(missing[0] as Row)}: play all first (npm run test:faults, without --only), or leave --report out`;
}

/** A row for each fault and a column for each action; what was not played yet stays empty. */
function tableOf(provider: SystemName, results: readonly Played[]): string {
  const table = applying(provider, results);
  const columns = actions.filter(({ name }) => table.some(({ action }) => action.name === name));
  const rows = faults.flatMap(({ name }) => {
    const fitting = table.filter(({ fault }) => fault.name === name);
    if (fitting.length === 0) return [];
    const squares = columns.map((column) => {
      if (!fitting.some(({ action }) => action.name === column.name)) return '-';
      const own = results.filter((each) => each.fault === name && each.action === column.name);
      return own.length === 0 ? '' : square(own);
    });
    return [`| ${name} | ${squares.join(' | ')} |`];
  });
  const heads = columns.map(({ name, end }) => `${name}: ${end}`);
  const line = `|${' --- |'.repeat(heads.length + 1)}`;
  return [`| fault | ${heads.join(' | ')} |`, line, ...rows].join('\n');
}

function square(results: readonly Kept[]): string {
  const reached = results.filter(({ told }) => told !== notReached);
  const told = counted(reached.map((each) => each.told.replace('killed by SIGKILL', 'killed')));
  const failed = reached.filter(({ complaints }) => complaints.length > 0).length;
  return [...told, ...(failed === 0 ? [] : [`**${failed} failed**`])].join(', ') || 'not reached';
}

/** Each outcome once, with its count where it came more often. */
export function counted(words: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => (count === 1 ? word : `${word} ${count}`));
}

function skipped(): readonly string[] {
  const reasons = lacking();
  return reasons.length === 0
    ? []
    : ['Not played here:', reasons.map((each) => `- ${each}`).join('\n')];
}
