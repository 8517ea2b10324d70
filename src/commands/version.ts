import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { version as builtVersion, stamp } from '../build-stamp.ts';
import { actionsOf } from '../cloudstack/offered-actions.ts';
import type { Registry } from '../contract/provider.ts';
import type { Command, CommandWorld } from './command.ts';
import { type Build, isSlow, thisBuild } from './node-build.ts';
import { table, wrapped } from './table.ts';
import { paintFor } from './terminal.ts';

interface Facts {
  readonly version: string;
  readonly file: string;
  readonly stamped: string;
  /** Absent when the file could not be read. */
  readonly computed?: string;
  readonly content: 'intact' | 'modified' | 'unreadable';
  readonly node: Build;
  readonly providers: Readonly<Record<string, readonly string[]>>;
}

export const version: Command = {
  usage: '',
  options: {},
  positionals: { min: 0, max: 0 },
  exitCodes: {
    0: 'the file is as it was built',
    1: 'the file was modified, or cannot be read',
    2: 'wrong usage',
  },
  async run({ json, world }) {
    const facts = await gather(world);
    if (json) world.out(JSON.stringify(facts, undefined, 2));
    else for (const line of readable(facts, world)) world.out(line);
    return facts.content === 'intact' ? 0 : 1;
  },
};

async function gather({ self, registry }: CommandWorld): Promise<Facts> {
  const computed = await hashOf(self);
  return {
    version: builtVersion,
    file: self,
    stamped: stamp,
    ...(computed === undefined ? {} : { computed }),
    content: computed === undefined ? 'unreadable' : computed === stamp ? 'intact' : 'modified',
    node: thisBuild(),
    providers: await actionsByProvider(registry),
  };
}

/**
 * The hash as the build stamps it: of everything after line 1 with the stamp zeroed, so that
 * another shebang does not count as a change.
 */
export async function hashOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const body = text
    .slice(text.indexOf('\n') + 1)
    .replace(/sha256:[0-9a-f]{64}/, `sha256:${'0'.repeat(64)}`);
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}

async function actionsByProvider(registry: Registry): Promise<Facts['providers']> {
  const found: Record<string, readonly string[]> = {};
  for (const [name, load] of Object.entries(registry)) {
    found[name] = Object.keys(actionsOf(await load()));
  }
  return found;
}

function readable(facts: Facts, world: CommandWorld): string[] {
  const paint = paintFor(world);
  const { node } = facts;
  const intact = facts.content === 'intact';
  const slow = isSlow(node);
  const built = slow
    ? 'built without snapshot or code cache: every call starts 3 times slower; use a build from nodejs.org or NodeSource'
    : 'built with snapshot and code cache';
  const unknown = node.snapshot === undefined || node.codeCache === undefined;
  return table([
    ['Outrigger', facts.version],
    ['File', facts.file],
    ['Content', { text: `${facts.stamped} as stamped`, paint: (text) => text }],
    ...(facts.computed === undefined || intact ? [] : [['', `${facts.computed} as it is now`]]),
    ['', { text: facts.content, paint: intact ? paint.green : paint.red }],
    ['Node.js', `${node.version} ${node.path}`],
    ...(unknown ? [] : [['', { text: built, paint: slow ? paint.yellow : paint.dim }]]),
    ['OpenSSL', `${node.openssl ?? 'none'}${node.fips ? ', FIPS mode' : ''}`],
    ...Object.entries(facts.providers)
      .flatMap(([name, actions]) =>
        wrapped(actions.length === 0 ? name : `${name}: ${actions.join(', ')}`, 70),
      )
      .map((line, index) => [index === 0 ? 'Providers' : '', line]),
  ]);
}
