import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { coreFields } from '../../src/cloudstack/settings.ts';
import type { Provider } from '../../src/contract/provider.ts';
import { registry } from '../../src/providers/index.ts';

/** Every word under which the provider takes a detail or stores one. */
function wordsOf({ settings, blueprint, stored, actions }: Provider): Set<string> {
  const policies = Object.values(actions).map(({ policy = {} }) => policy);
  const parameters = Object.values(actions).map((action) => action.parameters);
  const fields = [coreFields, settings, blueprint, ...policies, ...parameters].flatMap((each) =>
    Object.entries(each),
  );
  const files = fields.map(([key]) => `${key}_file`);
  const words = fields.flatMap(([key, { also = [] }]) => [key, ...also]);
  return new Set([...words, ...files, ...Object.keys(stored)]);
}

/** The texts of a source, as far as one line holds them. */
function textsIn(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  return [...source.matchAll(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g)].map(([text]) => text);
}

describe('the texts of a provider', async () => {
  const providers = await Promise.all(Object.values(registry).map((load) => load()));
  const own = new Map(providers.map((each) => [each.name, wordsOf(each)]));
  const all = new Set([...own.values()].flatMap((words) => [...words]));
  for (const { name } of providers) {
    test(`no sentence of ${name} names a setting that only another provider has`, () => {
      const folder = join(process.cwd(), 'src/providers', name);
      const files = readdirSync(folder, { recursive: true }).map(String);
      const strange = files
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) => textsIn(join(folder, file)).map((text) => ({ file, text })))
        .filter(({ text }) => text.includes(' '))
        .flatMap(({ file, text }) =>
          [...text.matchAll(/[a-z]+(?:_[a-z]+)+/g)].map(([word]) => `${file}: ${word}`),
        )
        .filter((found) => {
          const word = found.split(': ')[1] ?? '';
          return all.has(word) && own.get(name)?.has(word) !== true;
        });
      assert.deepEqual(strange, []);
    });
  }
});
