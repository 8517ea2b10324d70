import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { FakeRelease } from '../../fakes/cloudstack-api/parameters.ts';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { runCommand } from '../../src/commands/run.ts';
import { simulator } from '../../src/providers/simulator/index.ts';
import { sample } from './sample-provider.ts';
import { createWorld } from './world.ts';

export interface Ran {
  readonly code: number;
  readonly printed: string;
  readonly complained: string;
}

const noKeys = {
  CLOUDSTACK_API_URL: undefined,
  CLOUDSTACK_API_KEY: undefined,
  CLOUDSTACK_SECRET_KEY: undefined,
};

/** `register` with these words. */
export async function run(words: readonly string[], env: object = {}): Promise<Ran> {
  const world = createWorld({ providers: { sample, simulator }, env: { ...noKeys, ...env } });
  const code = await runCommand(['register', ...words], world);
  return { code, printed: world.printed(), complained: world.complained() };
}

/** A CloudStack whose servers all have the file of the extension "Lab One". */
export async function lab(t: TestContext, release?: FakeRelease): Promise<FakeCloudStack> {
  const cloud = await startCloudStack(t, release);
  cloud.state.files.add('lab_one/outrigger');
  return cloud;
}

export const basics = ['Lab One', '--provider', 'sample', '--detail', 'url=https://s:1'];

export function register(cloud: FakeCloudStack, ...more: string[]): Promise<Ran> {
  return run([...basics, '--credentials', cloud.credentials(), ...more]);
}

export function extensionOf({ state }: FakeCloudStack) {
  const found = state.extensions.find(({ name }) => name === 'Lab One');
  assert.ok(found);
  return found;
}

export function actionOf({ state }: FakeCloudStack, name: string) {
  const found = state.actions.find((each) => each.name === name);
  assert.ok(found);
  return found;
}
