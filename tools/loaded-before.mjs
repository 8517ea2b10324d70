import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

/*
 * esbuild makes a chunk for each set of dynamic imports that need the same sources, so what a call
 * always loads together would be many small parts, each with a cost of its own. A source that is
 * loaded on demand therefore imports the entry and the source that loads it: both have been evaluated
 * by then, so nothing changes but the sets.
 */

/** The plugin for esbuild that adds these imports. */
export async function loadedBefore(options) {
  const root = options.absWorkingDir;
  const { metafile } = await build({ ...options, outdir: '/', write: false, metafile: true });
  const graph = graphOf(metafile.inputs);
  const entry = relative(root, options.entryPoints[0]);
  const earlier = earlierSources(graph, entry);
  return {
    name: 'loaded-before',
    setup(context) {
      context.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const before = earlier.get(relative(root, path)) ?? [];
        const lines = before.map((source) => `import ${JSON.stringify(join(root, source))};`);
        // In the last line, so that the lines of the source map are those of the source.
        return { contents: `${await readFile(path, 'utf8')}\n${lines.join('')}`, loader: 'ts' };
      });
    },
  };
}

/** By source: the sources that it imports at once, and those that it loads on demand. */
function graphOf(inputs) {
  const internal = ({ external }) => external !== true;
  return new Map(
    Object.entries(inputs).map(([source, { imports }]) => {
      const dynamic = ({ kind }) => kind === 'dynamic-import';
      const paths = (list) => list.filter(internal).map(({ path }) => path);
      return [
        source,
        {
          now: paths(imports.filter((one) => !dynamic(one))),
          later: paths(imports.filter(dynamic)),
        },
      ];
    }),
  );
}

/** By source that is loaded on demand: sources that have certainly been evaluated before it. */
function earlierSources(graph, entry) {
  const atOnce = (source) => reachable(graph, [source], ({ now }) => now);
  const earlier = new Map();
  for (const [source, { later }] of graph) {
    const without = reachable(graph, [entry], ({ now, later }) => [...now, ...later], source);
    for (const target of later) {
      const isAlwaysFirst = !without.has(target) && !atOnce(source).has(target);
      const found = earlier.get(target) ?? (atOnce(entry).has(target) ? [] : [entry]);
      earlier.set(target, isAlwaysFirst && source !== entry ? [...found, source] : found);
    }
  }
  return earlier;
}

/** The sources that are met from these, as if `missing` were not there. */
function reachable(graph, from, next, missing) {
  const met = new Set(from.filter((source) => source !== missing));
  for (const source of met) {
    for (const target of next(graph.get(source))) if (target !== missing) met.add(target);
  }
  return met;
}
