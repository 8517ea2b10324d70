import { readFileSync, writeFileSync } from 'node:fs';
import { replaceSection } from '../bench/report.mjs';

const page = 'docs/scale.md';

/** Puts the table of one part between its markers. */
export function writePage(part, text) {
  writeFileSync(page, replaceSection(readFileSync(page, 'utf8'), part, text));
}

const perSecond = ({ chaosCalls, chaosSeconds }) => (chaosCalls / chaosSeconds).toFixed(1);

/** The calls of all providers by action, the most frequent first. */
function byAction(lines) {
  const sums = new Map();
  for (const { action, done, failed, killed, longestMs } of lines) {
    const sum = sums.get(action) ?? { action, done: 0, failed: 0, killed: 0, longestMs: 0 };
    sums.set(action, {
      action,
      done: sum.done + done,
      failed: sum.failed + failed,
      killed: sum.killed + killed,
      longestMs: Math.max(sum.longestMs, longestMs),
    });
  }
  return [...sums.values()].sort((a, b) => b.done + b.failed - (a.done + a.failed));
}

export function chaosText(report) {
  const rows = byAction(report.lines).map(({ action, done, failed, killed, longestMs }) =>
    [action.padEnd(18), ...[done, failed, killed].map((count) => String(count).padStart(8))]
      .join('')
      .concat(`${(longestMs / 1000).toFixed(1).padStart(9)} s`),
  );
  const troubles = [...report.troubles].map(([what, times]) => `${what} (${times})`).sort();
  return [
    `${report.calls} calls, ${perSecond(report)} a second during the chaos run`,
    `${'action'.padEnd(18)}    done  failed  killed    longest`,
    ...rows,
    `Troubles: ${troubles.join(', ')}`,
    report.violations.length === 0 ? 'The world is consistent' : 'The world is NOT consistent',
  ].join('\n');
}

export function chaosTable(report, { seed, seconds, instances, processes, concurrentCreates }) {
  const rows = byAction(report.lines).map(({ action, done, failed, killed, longestMs }) =>
    row([action, done, failed, killed, `${(longestMs / 1000).toFixed(1)} s`]),
  );
  const troubles = [...report.troubles.values()].reduce((sum, times) => sum + times, 0);
  return [
    `${instances} instances on ${report.hosts} hosts of four systems, ${processes} processes at a time for ` +
      `${seconds} s, ${concurrentCreates * 100} % of the creates twice at once, seed ${seed}: ${report.chaosCalls} calls (${perSecond(report)} a second), ${troubles} ` +
      `times something went wrong on a system; ${report.calls} calls with those that followed. ` +
      `Violations: ${report.violations.length}.`,
    '',
    row(['action', 'done', 'failed', 'killed', 'longest']),
    row([':--', '--:', '--:', '--:', '--:']),
    ...rows,
  ].join('\n');
}

export function curveTable(lines) {
  const head = [
    'provider',
    'instances',
    'CPU ratio',
    'wall ms',
    'MB',
    'answer bytes',
    'requests',
    '',
  ];
  return [
    row(head),
    row(head.map((_, at) => (at === 0 || at === head.length - 1 ? ':--' : '--:'))),
    ...lines.map((line) =>
      row([
        line.provider,
        line.instances,
        line.cpuRatio.toFixed(2),
        line.wallMs.toFixed(0),
        line.wallRatio.toFixed(1),
        line.megabytes.toFixed(0),
        line.answer,
        line.requests,
        line.answered ? '' : 'refused as too long',
      ]),
    ),
  ].join('\n');
}

export function loadTable(sizes, lines) {
  const cells = ({ calls, pssMegabytes }) =>
    `${pssMegabytes.toFixed(0)} (${(pssMegabytes / calls).toFixed(1)} each)`;
  const titles = sizes.map((size) => (size === 1 ? '1 call' : `${size} calls`));
  return [
    row(['provider', ...titles, '`top` shows for each']),
    row([':--', ...sizes.map(() => '--:'), '--:']),
    ...lines.map(({ provider, loads }) => {
      const { calls, rssMegabytes } = loads[loads.length - 1];
      return row([provider, ...loads.map(cells), (rssMegabytes / calls).toFixed(0)]);
    }),
  ].join('\n');
}

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}
