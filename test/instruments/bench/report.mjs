import { floorCpuMs, peers } from './peers.mjs';

const bars = {
  cpuRatio: (most) => `CPU ${most}`,
  wallMs: (most) => `${most} ms`,
  megabytes: (most) => `${most} MB`,
  requests: (most) => `${most} req`,
  connections: (most) => `${most} conn`,
  answer: (most) => `${most} bytes`,
  starts: (most) => (most === 1 ? '1 start' : `${most} starts`),
};

const columns = [
  ['CPU ms', ({ cpuMs }) => cpuMs.toFixed(1)],
  ['ratio', ({ cpuRatio }) => cpuRatio.toFixed(2)],
  ['wall ms', ({ wallMs }) => wallMs.toFixed(0)],
  ['ratio', ({ wallRatio }) => wallRatio.toFixed(2)],
  ['MB', ({ megabytes }) => megabytes.toFixed(0)],
  ['req', ({ requests }) => String(requests)],
  ['conn', ({ connections }) => String(connections)],
  ['kB', ({ kilobytes }) => (kilobytes === 0 ? '0' : kilobytes.toFixed(1))],
  ['bytes', ({ answer }) => String(answer)],
];

/**
 * What a step came to beside its bar: `misses` names what is over it.
 *
 * Ratios and memory have bars on the nodejs.org build of Node 20 only; counts have them everywhere.
 */
export function judge(figures, bar = {}, { barred }) {
  const held = Object.entries(bar).filter(
    ([key]) => barred || !['cpuRatio', 'megabytes'].includes(key),
  );
  return {
    bar: held.map(([key, most]) => bars[key](most)).join(', '),
    misses: held.filter(([key, most]) => !(figures[key] <= most)).map(([key]) => key),
  };
}

export function heading() {
  return textRow(['', ...columns.map(([title]) => title), 'at most', '']);
}

export function textLine({ name, figures, bar, misses }) {
  return textRow([name, ...columns.map(([, cell]) => cell(figures)), bar, verdict(bar, misses)]);
}

function textRow([name, ...cells]) {
  const last = cells.splice(columns.length);
  const numbers = cells.map((cell) => cell.padStart(8)).join('');
  return `${name.padEnd(31)}${numbers}  ${last.join('  ')}`.trimEnd();
}

function verdict(bar, misses) {
  if (bar === '') return '';
  return misses.length === 0 ? 'ok' : `MISSED (${misses.join(', ')})`;
}

/** The tables of one run, a heading for each stage. */
export function markdownNumbers({ date, version, node, build, rounds, load }, stages) {
  const titles = ['', ...columns.map(([title]) => title), 'at most', ''];
  const align = [':--', ...columns.map(() => '--:'), ':--', ':--'];
  const facts =
    `Outrigger ${version}, Node.js ${node} (${build}), ${date}, ${rounds} rounds; ` +
    `load of the machine from ${load[0]} to ${load[1]}.`;
  const tables = stages.map(({ name, lines }) => {
    const rows = lines.map((line) => [
      line.name,
      ...columns.map(([, cell]) => cell(line.figures)),
      line.bar,
      verdict(line.bar, line.misses),
    ]);
    return `### ${name}\n\n${[titles, align, ...rows].map(markdownRow).join('\n')}`;
  });
  return [facts, ...tables].join('\n\n');
}

/** Our CPU ratios, requests and connections beside those of the others. */
export function markdownOthers(stages) {
  const tables = Object.entries(peers).map(([provider, others]) => {
    const lines = stages.find(({ name }) => name === provider)?.lines ?? [];
    const names = Object.keys(others);
    const actions = [...new Set(Object.values(others).flatMap((other) => Object.keys(other)))];
    const rows = actions.map((action) => [
      action,
      ownCell(lines, action),
      ...names.map((name) => otherCell(others[name][action])),
    ]);
    const head = [provider, 'Outrigger', ...names];
    const align = head.map((_, at) => (at === 0 ? ':--' : '--:'));
    return [head, align, ...rows].map(markdownRow).join('\n');
  });
  return tables.join('\n\n');
}

function ownCell(lines, action) {
  const line =
    lines.find(({ name }) => name === action) ??
    lines.find(({ name }) => name.startsWith(`${action} of`));
  if (line === undefined) return '';
  const { cpuRatio, requests, connections } = line.figures;
  return `**${cpuRatio.toFixed(1)}** (${requests}/${connections})`;
}

function otherCell(figures) {
  if (figures === undefined) return 'not offered';
  const [requests, connections, cpuMs] = figures;
  return `${(cpuMs / floorCpuMs).toFixed(1)} (${requests}/${connections})`;
}

export function markdownRow(cells) {
  return `| ${cells.join(' | ')} |`;
}

/** The page with a new text between the two comments of this name. */
export function replaceSection(page, name, text) {
  const [opening, closing] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [page.indexOf(opening), page.indexOf(closing)];
  if (start < 0 || end < start) throw new Error(`the page has no ${opening} with its end`);
  return `${page.slice(0, start + opening.length)}\n\n${text}\n\n${page.slice(end)}`;
}
