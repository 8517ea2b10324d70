import { parseArgs } from 'node:util';
import { mapLimit } from '../../../src/kit/map-limit.ts';
import { type FaultCase, idOf, type Result } from './fault-case.ts';
import { counted, refusalOf, writeReport } from './report.ts';
import { keepResults, playFairly, readResults, toKeep } from './results.ts';
import { casesOf, none, providers, type Row, rowsOf } from './table.ts';

const help = `npm run test:faults -- [--only PATTERN] [--most N] [--at-once N] [--report]

  --only PATTERN  proxmox, proxmox/create, */create/killed, proxmox/create/answer-lost@2 ...
  --most N        inject at no more than N requests or changes of an action, or at up to so many
                  where a spread of them is usual
  --at-once N     how many cases are played at a time; 3 unless said otherwise
  --report        write docs/reliability.md; where only a part is played, an earlier run has to have
                  played the rest
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    most: { type: 'string' },
    'at-once': { type: 'string', default: '3' },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const only = values.only ?? '';
const [program = ''] = positionals;
const results = readResults(only === '');
const played = new Map<string, Promise<Result>>();

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** A `*` stands for anything within one part; what is left out at the end fits everything. */
function isWanted(id: string): boolean {
  const parts = only.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return only === '' || new RegExp(`^${parts.join('[^/]*')}(?:[/@]|$)`).test(id);
}

function once(faultCase: FaultCase): Promise<Result> {
  const id = idOf(faultCase);
  const result = played.get(id) ?? playFairly(faultCase, program);
  played.set(id, result);
  return result;
}

/** Answers how many of its cases were played, and how many failed. */
async function playRow(row: Row): Promise<readonly [played: number, failed: number]> {
  const told: string[] = [];
  let failed = 0;
  const undisturbed = { ...row, fault: none };
  // An earlier run has counted what there is to inject at.
  const clean = results.get(idOf(undisturbed)) ?? (await once(undisturbed));
  for (const faultCase of casesOf(
    row,
    clean,
    values.most === undefined ? undefined : Number(values.most),
  )) {
    const id = idOf(faultCase);
    if (!isWanted(id)) continue;
    const result = await once(faultCase);
    results.set(id, toKeep(result));
    told.push(result.end === '' ? result.told : `${result.told} -> ${result.end}`);
    if (result.complaints.length === 0) continue;
    failed += 1;
    const lines = result.complaints.map((complaint) => `  ${complaint.trim()}`);
    print([`FAILED ${id}`, ...lines, `  npm run test:faults -- --only ${id}`].join('\n'));
  }
  if (told.length > 0) print(`${idOf(row)}: ${counted(told).join(', ')}`);
  return [told.length, failed];
}

async function inTurns(rows: readonly Row[]): Promise<number> {
  const counts = await mapLimit(rows, Number(values['at-once']), async (row) => {
    const count = await playRow(row);
    keepResults(results);
    return count;
  });
  const sum = [0, 1].map((at) => counts.reduce((all, count) => all + (count[at] ?? 0), 0));
  print(`${sum[0]} cases, ${sum[1]} of them failed`);
  return sum[0] === 0 || sum[1] !== 0 ? 1 : 0;
}

async function run(): Promise<number> {
  if (values.help) {
    print(help);
    return 0;
  }
  const isMeant = (row: Row): boolean => isWanted(idOf(row)) || only.startsWith(`${idOf(row)}@`);
  const refusal = values.report ? refusalOf(results, isMeant) : undefined;
  if (refusal !== undefined) {
    print(refusal);
    return 2;
  }
  const code = await inTurns(providers.flatMap(rowsOf).filter(isMeant));
  if (values.report) writeReport(results);
  return code;
}

run().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`);
    process.exit(1);
  },
);
