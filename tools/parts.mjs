import { createHash } from 'node:crypto';
import { build, transform } from 'esbuild';

/*
 * A call needs one provider and no command, so most of the file is never run. esbuild cuts it along
 * its dynamic imports, and the parts lie in comments behind a short head, which is all that line 1
 * evaluates; the head reads the others out of the file when they are asked for. So what a call does
 * not need costs it nothing, and an old Node gets past what it could not parse and can say so.
 */

/** Line 1 evaluates so many bytes of the file, itself included. */
export const headBytes = 9000;
/** What line 1 may be longer or shorter by, with another Node in it. */
const leeway = 200;
const closing = '*/';
/** Stands for the end of a comment inside one. */
const escaped = '*~~/';
const markLength = 16;

/** Bundles an entry with esbuild's options; answers its parts and the names of all inputs. */
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
  const codes = names.map((name) => asCommonJs(texts.get(name), names, options));
  const parts = (await Promise.all(codes)).map((code, at) => hidden(asFunction(code, at)));
  return { parts, inputs: Object.keys(inputs) };
}

/** What follows line 1: the prologue and the loader, padded, then the parts and the last words. */
export function assemble({ prologue, parts, end }) {
  const marked = parts.map((code) => `${markOf(code)}${code}`);
  const bodies = marked.map((text) => `/*${text}*/\n`);
  const index = marked.map((text, at) => [
    bodies.slice(at).join('').length - 2 + end.length,
    text.length,
    text.slice(0, markLength),
  ]);
  const longest = Math.max(...marked.map(({ length }) => length));
  const head = `${prologue}\n${loader(JSON.stringify(index), longest)}\n`;
  if (head.length > headBytes - 2 * leeway) throw new Error('the head is longer than line 1 reads');
  return `${head.padEnd(headBytes + leeway, '\n')}${bodies.join('')}${end}`;
}

/**
 * In the words of Node 10, which reads it. The file stays open, so that whoever replaces it
 * replaces it for the next call only; was it replaced right at the start, the new one is run.
 * Places count from the end, since line 1 may get another length.
 */
function loader(index, longest) {
  return `(function(){
var fs=require('fs'),file=process.argv[1],fd=fs.openSync(file,'r'),size=fs.fstatSync(fd).size,escaped=${JSON.stringify(escaped)};
var parts=${index},loaded={},bytes=Buffer.allocUnsafeSlow(${longest});
function textOf(key){
var part=parts[key];
var count=fs.readSync(fd,bytes,0,part[1],Math.max(0,size-part[0]));
if(count<part[1]||bytes.toString('latin1',0,${markLength})!==part[2])return'';
var text=bytes.toString('latin1',${markLength},part[1]);
return text.indexOf(escaped)<0?text:text.split(escaped).join('*'+'/');
}
function use(id){
if(id.slice(0,2)!=='./')return require(id);
var key=id.slice(2);
return loaded[key]?loaded[key].exports:run(key,textOf(key));
}
function run(key,text){
if(!text)throw new Error(file+' was changed while it ran');
var module=loaded[key]={exports:{}};
(0,eval)(text)(module.exports,use,module);
return module.exports;
}
var first=textOf('0');
if(first)return run('0',first);
if(!process.outriggerReplaced){process.outriggerReplaced=true;return eval('/'+fs.readFileSync(file).slice(2,${headBytes}))}
fs.writeSync(1,JSON.stringify({status:'error',error:file+' is damaged. Install it again, and check it with sha256sum.'})+'\\n');
process.exit(1);
})();`;
}

/** Tells a part from what another build has in its place. */
function markOf(code) {
  return createHash('sha256').update(code).digest('hex').slice(0, markLength);
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

/**
 * A part may take its own shortcuts, as none is ever in a circle: what it gives is set at its end,
 * where esbuild would define getters first and copy them for each that asks.
 */
async function asCommonJs(text, names, { target, charset, supported, minify }) {
  const plain = text
    .replace(/import\("(\.\/[^"]+)"\)/g, 'Promise.resolve().then(()=>require("$1"))')
    .replace(/export\{([^}]*)\};?\s*$/, (_, given) => assignments(given));
  const { code } = await transform(plain, {
    format: 'cjs',
    platform: 'node',
    ...{ target, charset, supported, minify },
    logOverride: { 'commonjs-variable-in-esm': 'silent' },
  });
  const numbered = code.replace(/require\("\.\/([^"]+)"\)/g, (_, name) => {
    if (!names.includes(name)) throw new Error(`the part ${name} does not exist`);
    return `require("./${names.indexOf(name)}")`;
  });
  return `"use strict";${numbered.trim()}`;
}

/** `a as b,c` becomes `exports.b=a;exports.c=c;`. */
function assignments(given) {
  return given
    .split(',')
    .map((one) => one.trim().split(' as '))
    .map(([inside, outside = inside]) => `exports.${outside}=${inside};`)
    .join('');
}

/** Parenthesized, so that V8 compiles it at once; the last words name it in a stack. */
function asFunction(code, at) {
  return `(function(exports,require,module){${code}\n})//# sourceURL=outrigger:${at}`;
}

function hidden(code) {
  if (code.includes(escaped)) throw new Error(`the code holds ${escaped}`);
  return code.split(closing).join(escaped);
}
