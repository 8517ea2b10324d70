import type { CommandWorld } from '../command.ts';
import { table, wrapped } from '../table.ts';
import { columnsOf, paintFor } from '../terminal.ts';
import type { Finding, Layer } from './finding.ts';

const headings: Readonly<Record<Layer, string>> = {
  server: 'This server',
  settings: 'Details',
  network: 'The way to the remote system',
  provider: 'The remote system',
  cloudstack: 'CloudStack',
};

/** The findings for reading, layer by layer, with what to do under what is not right. */
export function readable(findings: readonly Finding[], world: CommandWorld): string[] {
  const paint = paintFor(world);
  const colours = { ok: paint.green, warn: paint.yellow, fail: paint.red, skipped: paint.dim };
  const widest = Math.max(0, ...findings.map(({ name }) => name.length));
  const width = Math.max(40, columnsOf(world) - widest - 13);
  const layers = [...new Set(findings.map(({ layer }) => layer))];
  const blocks = layers.flatMap((layer) => {
    const rows = findings
      .filter((finding) => finding.layer === layer)
      .flatMap(({ state, name, found, advice }) => [
        ...wrapped(found, width).map((line, at) =>
          at === 0
            ? [{ text: state, paint: colours[state] }, name.padEnd(widest), line]
            : ['', '', line],
        ),
        ...(advice === undefined || state === 'ok'
          ? []
          : wrapped(`-> ${advice}`, width).map((line) => ['', '', line])),
      ]);
    // The same width everywhere, so that the layers stand under each other.
    const padded = table([['skipped', '', ''], ...rows], 2).slice(1);
    return ['', paint.bold(headings[layer]), ...padded];
  });
  return [...blocks.slice(1), '', summary(findings), nextStep(findings)];
}

function summary(findings: readonly Finding[]): string {
  const count = (state: Finding['state']): number =>
    findings.filter((finding) => finding.state === state).length;
  const words = [
    `${count('ok')} ok`,
    `${count('warn')} to look at`,
    `${count('fail')} wrong`,
    ...(count('skipped') === 0 ? [] : [`${count('skipped')} skipped`]),
  ];
  return `${words.join(', ')}.`;
}

/** The next thing that the operator does; a failed check of a nearer layer often explains those beyond it. */
function nextStep(findings: readonly Finding[]): string {
  const wrong = findings.find(({ state }) => state === 'fail');
  if (wrong !== undefined) {
    return `Next: follow the advice under "${wrong.name}", the first line that says fail, and run doctor again.`;
  }
  if (findings.every(({ layer }) => layer !== 'provider')) {
    return 'Next: outrigger doctor --setup FILE, or with the details of a host, to look at the remote system.';
  }
  return findings.some(({ state }) => state === 'warn')
    ? 'Next: look at the lines that say warn; none of them keeps an instance from being made.'
    : 'Next: deploy an instance.';
}
