import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';

/*
 * Turns the stack in a log line into places in the sources:
 * `node tools/trace.mjs MAP < stack-or-log-line`.
 *
 * MAP is outrigger.map.json of the build that wrote the line: it lies in the package, and
 * `npm run build` makes it in build/. `outrigger version` and the log line name the version.
 */

const position = /outrigger:([^\s:()]+):(\d+):(\d+)/g;

/** The text with the source, line and column in place of each position in a part. */
function traced(text, { parts }) {
  return text.replace(position, (whole, name, line, column) => {
    const map = parts[`outrigger:${name}`];
    if (map === undefined) return `${whole} (the map has no such part: it is of another build)`;
    const found = new SourceMap(map).findEntry(Number(line) - 1, Number(column) - 1);
    if (found.originalSource === undefined) return whole;
    return `${found.originalSource}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  });
}

/** A log line is JSON and has its stack in some member; any other line is a stack already. */
function stacksIn(line) {
  let facts;
  try {
    facts = JSON.parse(line);
  } catch {
    return [line];
  }
  const stacks = textsIn(facts).filter((text) => text.search(position) >= 0);
  return stacks.length > 0 ? stacks : ['(this line has no stack of the built file)'];
}

function textsIn(value) {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

const [mapFile] = process.argv.slice(2);
if (mapFile === undefined) {
  process.stderr.write('usage: node tools/trace.mjs MAP < stack-or-log-line\n');
  process.exit(2);
}
const map = JSON.parse(readFileSync(mapFile, 'utf8'));
for (const line of readFileSync(0, 'utf8').split('\n')) {
  if (line === '') continue;
  for (const stack of stacksIn(line)) process.stdout.write(`${traced(stack, map)}\n`);
}
