/*
 * Where the source of a dynamic import lies in a shared chunk, esbuild makes another chunk that only
 * exports the shared one's names under those of the source. A part of its own for that costs a call
 * more than the names do, so the shared chunk exports both.
 */

const exportList = /export\s*\{([^}]*)\};?\s*$/;
const anyImport = /import\s*(?:\{([^}]*)\}\s*from)?\s*"\.\/([A-Z0-9]{8})\.js";?/g;

/** The chunks by name, first the one that runs as the entry; none of the stubs is left or named. */
export function withoutStubs(chunks, entry) {
  const kept = new Map(chunks);
  const replaced = new Map();
  for (const [name, chunk] of chunks) {
    const home = homeOf(chunk, chunks);
    if (home === undefined) continue;
    const named = withNames(kept.get(home), namesOf(chunk, home));
    // Other sources in it may come after this one, which the part is made for.
    kept.set(home, { ...named, source: chunk.source });
    kept.delete(name);
    replaced.set(name, home);
  }
  const order = new Set([replaced.get(entry) ?? entry, ...kept.keys()]);
  return new Map([...order].map((name) => [name, renamed(kept.get(name), replaced)]));
}

/** The chunk that has the source of a stub; `undefined` for a chunk with code of its own. */
function homeOf({ text, source }, chunks) {
  const rest = text.replace(anyImport, '').replace(exportList, '');
  if (rest.replace(/^\/\/.*$/gm, '').trim() !== '') return undefined;
  const has = ([, other]) => other.sources.some((one) => one.source === source && one.bytes > 0);
  return [...chunks].find(has)?.[0];
}

/** By the name under which the stub exports it: the name under which its home does. */
function namesOf({ text }, home) {
  const imported = [...text.matchAll(anyImport)].filter(([, , from]) => from === home);
  const outside = new Map(
    imported.flatMap(([, list = '']) => pairs(list)).map(([theirs, local]) => [local, theirs]),
  );
  const list = exportList.exec(text)?.[1] ?? '';
  return pairs(list).map(([local, name]) => [name, outside.get(local)]);
}

function withNames(chunk, names) {
  const given = pairs(exportList.exec(chunk.text)?.[1] ?? '');
  const added = names.map(([name, theirs]) => {
    const local = given.find(([, exported]) => exported === theirs)?.[0];
    if (local === undefined || given.some(([, exported]) => exported === name)) {
      throw new Error(`${chunk.source} cannot export ${name}`);
    }
    return `${local} as ${name}`;
  });
  const all = [...given.map(([local, name]) => `${local} as ${name}`), ...added];
  const text = `${chunk.text.replace(exportList, '').trimEnd()}\nexport{${all.join(',')}};\n`;
  return { ...chunk, text };
}

function renamed(chunk, replaced) {
  const now = (name) => replaced.get(name) ?? name;
  return {
    ...chunk,
    text: chunk.text.replace(/"\.\/([A-Z0-9]{8})\.js"/g, (_, name) => `"./${now(name)}.js"`),
    imports: [...new Set(chunk.imports.map(now))],
  };
}

/** `a as b,c` as `[['a', 'b'], ['c', 'c']]`. */
function pairs(list) {
  return list
    .split(',')
    .map((one) => one.trim().split(' as '))
    .filter(([inside]) => inside !== '')
    .map(([inside, outside = inside]) => [inside, outside]);
}
