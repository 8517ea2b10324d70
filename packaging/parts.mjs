import { build, transform } from 'esbuild';

/*
 * Every call reads the whole file, and V8 pays for each kilobyte of code in it, run or not. So the
 * parts that esbuild cuts it into, along the dynamic imports, lie in comments, which cost a
 * sixteenth, and each is compiled when it is asked for. An old Node, too, gets past what it could
 * not parse and can say so.
 */

const closing = '*/';
/** Stands for the end of a comment inside one. */
const escaped = '*~~/';

/** In the words of Node 10, which reads it. */
const loader = `var loaded={};
function use(id){
if(id.slice(0,2)!=='./')return require(id);
var key=id.slice(2),module=loaded[key];
if(module)return module.exports;
module=loaded[key]={exports:{}};
var text=String(parts[key]).slice(13,-3).split(${JSON.stringify(escaped)}).join('*'+'/');
var names=['exports','require','module'],options={filename:__filename+':'+key};
require('vm').compileFunction(text,names,options)(module.exports,use,module);
return module.exports;
}
use('./0');`;

/** Bundles an entry with esbuild's options; answers the script and the names of all inputs. */
export async function bundleInParts(options) {
  const { supported: _, ...others } = options;
  const result = await build({
    ...others,
    format: 'esm',
    splitting: true,
    outdir: '/',
    entryNames: 'entry',
    chunkNames: '[hash]',
    write: false,
    metafile: true,
  });
  const { outputs, inputs } = result.metafile;
  const texts = new Map(result.outputFiles.map(({ path, text }) => [path.slice(1), text]));
  const names = inOrder(importsByName(outputs));
  const parts = await Promise.all(
    names.map(async (name) => hidden(await asCommonJs(texts.get(name), names, options))),
  );
  const script = `(function(){\nvar parts=[\n${parts.map((code) => `function(){/*${code}*/}`).join(',\n')}\n];\n${loader}\n})();\n`;
  return { script, inputs: Object.keys(inputs) };
}

/** esbuild gives paths relative to the working directory; only the names count here. */
function importsByName(outputs) {
  const name = (path) => path.replace(/^.*\//, '');
  return new Map(
    Object.entries(outputs).map(([path, { imports }]) => [
      name(path),
      imports.filter(({ external }) => external !== true).map((one) => name(one.path)),
    ]),
  );
}

/** The entry first, the rest as it is met from there. */
function inOrder(imports) {
  const names = new Set(['entry.js']);
  for (const name of names) for (const next of imports.get(name)) names.add(next);
  return [...names];
}

async function asCommonJs(text, names, { target, charset, supported, minify }) {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    ...{ target, charset, supported, minify },
  });
  const numbered = code.replace(/require\("\.\/([^"]+)"\)/g, (_, name) => {
    if (!names.includes(name)) throw new Error(`the part ${name} does not exist`);
    return `require("./${names.indexOf(name)}")`;
  });
  return `"use strict";${numbered.trim()}`;
}

function hidden(code) {
  if (code.includes(escaped)) throw new Error(`the code holds ${escaped}`);
  return code.split(closing).join(escaped);
}
