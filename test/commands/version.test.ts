import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { stamp } from '../../src/build-stamp.ts';
import { runCommand } from '../../src/commands/run.ts';
import { sample } from './sample-provider.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Facts {
  readonly content: string;
  readonly stamped: string;
  readonly computed?: string;
  readonly node: { readonly version: string; readonly path: string };
  readonly providers: Record<string, readonly string[]>;
}

async function versionOf(self: string): Promise<{ code: number; facts: Facts }> {
  const world = createWorld({ self, providers: { sample } });
  const code = await runCommand(['version', '--json'], world);
  return { code, facts: JSON.parse(world.printed()) as Facts };
}

describe('version', () => {
  test('version computes the hash of everything after line 1 with the stamp zeroed', async () => {
    const body = (hash: string): string => `const stamp='sha256:${hash}';\nrest\n`;
    const zeroed = createHash('sha256')
      .update(body('0'.repeat(64)))
      .digest('hex');
    const file = join(temporaryDirectory(), 'outrigger');
    for (const shebang of ['#!/usr/bin/env node', '#!/opt/node22/bin/node --no-warnings']) {
      writeFileSync(file, `${shebang}\n${body('f'.repeat(64))}`);
      assert.equal((await versionOf(file)).facts.computed, `sha256:${zeroed}`);
    }
  });

  test('version prints modified, with exit code 1, where the hash is not the stamped one', async () => {
    const file = join(temporaryDirectory(), 'outrigger');
    writeFileSync(file, '#!/bin/sh\nsomething else\n');
    const { code, facts } = await versionOf(file);
    assert.deepEqual([code, facts.content, facts.stamped], [1, 'modified', stamp]);
  });

  test('version prints unreadable where there is no file', async () => {
    const { code, facts } = await versionOf('/nowhere/outrigger');
    assert.deepEqual([code, facts.content, facts.computed], [1, 'unreadable', undefined]);
  });

  test('version names Node, its path, and the providers with their actions', async () => {
    const { facts } = await versionOf('/nowhere/outrigger');
    assert.deepEqual([facts.node.version, facts.node.path], [process.version, process.execPath]);
    assert.deepEqual(facts.providers, { sample: ['Paint', 'Melt', 'ShowErrors'] });
    const world = createWorld({ providers: { sample } });
    await runCommand(['version'], world);
    assert.match(world.printed(), /^Node\.js +v\d+\.\d+\.\d+ \//m);
    assert.match(world.printed(), /^Providers +sample: Paint, Melt, ShowErrors$/m);
  });
});
