import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf } from './callgrind.mjs';
import { environment } from './scene.mjs';

/** Code that runs before the file: it notes which parts the file evaluates. */
const watch = (file) =>
  '{const evaluate=eval,names=[];globalThis.eval=(text)=>{' +
  'names.push(/sourceURL=outrigger:(.*)$/.exec(text)[1]);return evaluate(text)};' +
  `process.on('exit',()=>fs.writeFileSync(${JSON.stringify(file)},JSON.stringify(names)))}`;

/** Which parts each call of the stage evaluates, largest first, and of which sources they are. */
export async function loadedBytes(stage, { scene, node }) {
  const { node: own, path } = environment(node, scene);
  const env = { PATH: path, HOME: join(stage.folder, 'home') };
  const file = join(stage.folder, 'loaded.json');
  const calls = [];
  for (const [at, step] of stage.steps.entries()) {
    const { payload } = await stage.begin(at);
    const [, , code, ...args] = commandOf(step, { scene, node: own, payload });
    const ended = spawnSync(own, ['-e', `${watch(file)}${code}`, ...args], {
      env,
      encoding: 'utf8',
    });
    await stage.end(at, ended.status === 0 ? ended.stdout : '');
    if (typeof step.program === 'object' || step.preparation) continue;
    const names = JSON.parse(readFileSync(file, 'utf8'));
    calls.push({ name: step.name, ...bytesOf(scene.parts[step.program ?? 'outrigger'], names) });
  }
  return calls;
}

function bytesOf(all, names) {
  const parts = names.map((name) => all.find((part) => part.name === name));
  const bySize = (a, b) => b.bytes - a.bytes;
  return {
    parts: parts.map(({ name, code }) => ({ part: name, bytes: code.length })).sort(bySize),
    sources: parts.flatMap(({ sources }) => sources).sort(bySize),
  };
}
