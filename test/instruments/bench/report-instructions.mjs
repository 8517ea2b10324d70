import { markdownRow } from './report.mjs';

/** What each call is held to: of its bars those for requests hold on every Node. */
const bars = {
  instructions: (most) => `${most} of node -e 0`,
  instructionsOfReference: (most) => `${most} of the GET`,
  requests: (most) => `${most} requests`,
};

/** The calls with the bars that hold here, which of them are missed, and what ended wrongly. */
export function judgeCounts(results, { barred }) {
  return results.map(({ step, runs, figures }) => {
    const held = Object.entries(step.bar ?? {}).filter(([key]) => barred || key === 'requests');
    const wrong = runs.find(({ exit }) => exit !== (step.exit ?? 0));
    return {
      name: step.name,
      figures,
      bar: held.map(([key, most]) => bars[key](most)).join(', '),
      misses: held.filter(([key, most]) => !(figures[key] <= most)).map(([key]) => key),
      ...(wrong && { wrong: `${wrong.exit}: ${wrong.output.trim()}` }),
    };
  });
}

/** Instructions in millions, and as ratios; a table in Markdown, which a terminal shows as well. */
export function instructionTable({ floor, lines }) {
  const rows = lines.map(({ name, figures, bar, misses }) => [
    name,
    figures.millions.toFixed(1),
    figures.above.toFixed(1),
    figures.instructions.toFixed(2),
    figures.instructionsOfReference?.toFixed(2) ?? '',
    String(figures.requests),
    bar,
    bar === '' ? '' : misses.length === 0 ? 'ok' : 'MISSED',
  ]);
  return table(
    ['', 'million', 'above node -e 0', 'of node -e 0', 'of the GET', 'req', 'at most', ''],
    [['node -e 0', floor.toFixed(1), '0.0', '1.00', '', '', '', ''], ...rows],
  );
}

/** Kilobytes of code that each call evaluates: by part, and within all of them by source. */
export function loadedTable(calls) {
  return calls
    .map(({ name, parts, sources }) => {
      const sum = parts.reduce((total, { bytes }) => total + bytes, 0);
      const rows = [...parts, ...sources].map(({ part = '', source = '', bytes }) => [
        part,
        source,
        String(bytes),
      ]);
      const heading = `${name}: ${parts.length} parts, ${sum} bytes`;
      return `${heading}\n\n${table(['part', 'source', 'bytes'], rows)}`;
    })
    .join('\n\n');
}

function table(head, rows) {
  const align = head.map((_, at) => (at === 0 || head[at] === 'source' ? ':--' : '--:'));
  return [head, align, ...rows].map(markdownRow).join('\n');
}
