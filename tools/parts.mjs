import { relative, resolve } from 'node:path';
import { build, transform } from 'esbuild';
import { loadedBefore } from './loaded-before.mjs';
import { withoutStubs } from './stubs.mjs';

/*
 * A call needs one provider and no command, so most of the file is never run. esbuild cuts it along
 * its dynamic imports. All parts lie in one comment inside a function, which costs V8 far less to pass over
 * than code or a string does; the function's own text holds them, and the loader evaluates a part when it
 * is asked for.
 */

/** How esbuild names another chunk. */
const chunkName = /"\.\/([A-Z0-9]{8})\.js"/g;
const entryName = 'ENTRYPNT';
/** The line between two parts, what stands for the end of a comment, and the end of a line that was cut. */
const separator = '\n~\n';
const commentEnd = '*~/';
const cut = '~~\n';
/** In place of `import`: the loader's function that evaluates a part later. As long as `import`. */
const later = 'lazily';
/** What the loader puts before each part; in parentheses, so that V8 compiles it at once. */
const opening = `(function(exports,require,${later}){"use strict";\n`;

/**
 * Bundles an entry with esbuild's options.
 *
 * Answers the parts, the entry first, each as `{ name, code, map, sources }`: `name` is the path
 * of the source that the part is made for and of no other part, `sources` says how many bytes of the
 * part are of which source; and the names of all inputs.
 */
export async function bundleInParts(options) {
  const result = await build({
    ...options,
    supported: { ...options.supported, 'dynamic-import': true },
    plugins: [...(options.plugins ?? []), await loadedBefore(options)],
    format: 'esm',
    splitting: true,
    outdir: '/',
    entryNames: entryName,
    chunkNames: '[hash]',
    write: false,
    metafile: true,
    sourcemap: 'external',
    sourcesContent: false,
  });
  const { outputs, inputs } = result.metafile;
  const chunks = inOrder(withoutStubs(chunksByName(result.outputFiles, outputs), entryName));
  const ids = new Map(chunks.map(({ name }, at) => [name, String(at)]));
  const parts = await Promise.all(chunks.map((chunk) => partOf(chunk, ids, options)));
  return { parts, inputs: Object.keys(inputs) };
}

/** By name: the text of a chunk, its map, its sources and the chunks that it imports. */
function chunksByName(files, outputs) {
  const name = (path) => path.replace(/^.*\//, '').replace(/\.js(\.map)?$/, '');
  const textOf = (wanted) => files.find(({ path }) => path.endsWith(`/${wanted}`))?.text;
  const chunks = Object.entries(outputs).filter(([path]) => path.endsWith('.js'));
  return new Map(
    chunks.map(([path, { imports, inputs, entryPoint }]) => [
      name(path),
      {
        name: name(path),
        text: textOf(`${name(path)}.js`),
        map: textOf(`${name(path)}.js.map`),
        // A shared chunk ends with the source that imports the others in it.
        source: entryPoint ?? Object.keys(inputs).at(-1),
        sources: Object.entries(inputs).map(([source, { bytesInOutput }]) => ({
          source,
          bytes: bytesInOutput,
        })),
        imports: imports.filter(({ external }) => external !== true).map((one) => name(one.path)),
      },
    ]),
  );
}

/** The entry first, the others as they are met from there. */
function inOrder(chunks) {
  const names = new Set([chunks.keys().next().value]);
  for (const name of names) for (const next of chunks.get(name).imports) names.add(next);
  return withOwnSources([...names].map((name) => chunks.get(name)));
}

/** A stack and a map name a part by its source, so two parts never have the same one. */
function withOwnSources(chunks) {
  const seen = new Map();
  return chunks.map((chunk) => {
    const { source } = chunk;
    const count = (seen.get(source) ?? 0) + 1;
    seen.set(source, count);
    return count === 1 ? chunk : { ...chunk, source: `${source}#${count}` };
  });
}

/**
 * A part as the text of a function.
 *
 * It may take its own shortcuts, as no part is in a circle: its exports are set at its end, where
 * esbuild would define getters first and copy them for each part that imports them.
 */
async function partOf({ name, text, map, source, sources }, ids, options) {
  const { target, charset, supported, minify } = options;
  const idOf = (chunk) => {
    if (!ids.has(chunk)) throw new Error(`${source} names a chunk ${chunk}, which is no part`);
    return ids.get(chunk);
  };
  const plain = text
    .replace(/\bimport\((?=")/g, `${later}(`)
    .replace(/export\s*\{([^}]*)\};?\s*$/, (_, given) => assignments(given))
    // Blanks fill what the shorter name leaves, so that no column of the chunk's map moves.
    .replace(chunkName, (written, chunk) => `"${idOf(chunk)}"`.padEnd(written.length));
  const inline = Buffer.from(map).toString('base64');
  const { code, map: composed } = await transform(
    `${plain}\n//# sourceMappingURL=data:application/json;base64,${inline}\n`,
    {
      format: 'cjs',
      platform: 'node',
      ...{ target, charset, supported, minify },
      sourcemap: 'external',
      sourcefile: name,
      sourcesContent: false,
      logOverride: { 'commonjs-variable-in-esm': 'silent' },
    },
  );
  return {
    name: source,
    code: `${code.trim()}\n})//# sourceURL=outrigger:${source}`,
    map: movedDown(JSON.parse(composed), name, options.absWorkingDir),
    sources,
  };
}

/** `a as b,c` becomes `exports.b=a;exports.c=c;`. */
function assignments(given) {
  return given
    .split(',')
    .map((one) => one.trim().split(' as '))
    .map(([inside, outside = inside]) => `exports.${outside}=${inside};`)
    .join('');
}

/**
 * The code of a part begins in its second line. esbuild names sources as URLs seen from `/`, and the
 * chunk, whose name depends on the folder of the build, where it has written the code itself.
 */
function movedDown({ version, sources, names, mappings }, chunk, root) {
  const plain = sources.map((url) =>
    url === chunk ? '(esbuild)' : relative(root, resolve('/', decodeURI(url))),
  );
  return { version, sources: plain, names, mappings: `;${mappings}` };
}

/** What follows line 1: the prologue, the parts, and the loader, which runs the first part. */
export function assemble({ prologue, parts, end }) {
  for (const { name, code } of parts) {
    const taken = [separator, commentEnd, cut].find((mark) => code.includes(mark));
    if (taken !== undefined) throw new Error(`${name} has ${JSON.stringify(taken)} in its code`);
  }
  const comment = parts.map(({ code }) => asComment(code)).join(separator);
  return `${prologue}\n${opened}${comment}${closed}\n${end}${loader}\n`;
}

const opened = 'function text(){/*\n';
const closed = '\n*/}';

/**
 * In lines, for Node prints the line in which a file that was cut off ends, and CloudStack's pipe holds
 * 64 KB. The stamp stays whole: the build looks for it in the text and puts the hash in its place.
 */
function asComment(code) {
  return code
    .replaceAll('*/', commentEnd)
    .replace(/(?:sha256:0{64}|.){2000}(?=.)/g, (line) => `${line}${cut}`);
}

/**
 * In the words of Node 10, which reads it before it is told that it is too old. A part has a number;
 * any other name is one of Node's own modules. Without a prototype, the exports are a table from the
 * start, where V8 would make a new shape for each of a hundred names.
 */
const loader = `var parts=String(text).slice(${opened.length},-${closed.length}).split(${JSON.stringify(separator)});
var loaded={};
function use(id){
var made=loaded[id];
if(made!==undefined)return made;
var code=parts[id];
if(code===undefined)return loaded[id]=require(id);
code=code.split(${JSON.stringify(cut)}).join('').split('${commentEnd}').join('*/');
(0,eval)(${JSON.stringify(opening)}+code)(made=Object.create(null),use,later);
return loaded[id]=made;
}
function later(id){
return Promise.resolve().then(function(){return use(id)});
}
use('0');`;
