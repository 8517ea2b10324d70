import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import type { Backend, RemoteMachine, SetUp } from '../../conformance/backend.ts';
import { inScene, type Scene } from '../../conformance/cloud.ts';
import { markOf, parametersFor, pointAt } from '../../conformance/machine.ts';
import { hyperVBackend } from '../../providers/hyperv/backend.ts';
import { maasBackend } from '../../providers/maas/backend.ts';
import { proxmoxBackend } from '../../providers/proxmox/backend.ts';
import { admin } from '../../support/payloads.ts';
import type { Done } from '../../support/world.ts';
import { apply, type Change, changes, words } from './example.ts';
import { rewriteDocuments, rewriteResponses } from './rewrite.ts';
import { checkForm, checkPrototypes } from './verdict.ts';

/** One call while the remote system answers something else than it does; plain, to be kept in a file. */
export interface Corruption {
  /** One of CloudStack's words, or a number that stands for a custom action. */
  readonly action: string | number;
  /** How many answers are true before. */
  readonly after: number;
  /** How many are not, from there. */
  readonly many: number;
  readonly edits: readonly Change[];
}

const timeoutSeconds = 4;

export function corruptions(): fc.Arbitrary<Corruption> {
  return fc.record({
    action: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('status', 'statuses', 'create', 'start') },
      { weight: 3, arbitrary: fc.constantFrom(...words) },
      { weight: 2, arbitrary: fc.nat({ max: 30 }) },
    ),
    // Most actions ask for little.
    after: fc.oneof(fc.nat({ max: 2 }), fc.nat({ max: 15 })),
    many: fc.constantFrom(1, 1, 2, 50),
    edits: fc.array(changes(), { minLength: 1, maxLength: 4 }),
  });
}

/** Begins to corrupt responses; returns the function that stops it. */
function beginToCorrupt({ after, many, edits }: Corruption): () => void {
  let count = 0;
  return rewriteResponses((body) =>
    rewriteDocuments(body, (document) => {
      count += 1;
      if (count <= after || count > after + many) return document;
      // In a box, so that the whole of it can change, too.
      const box = { document };
      for (const edit of edits) apply(box, edit);
      return box.document;
    }),
  );
}

async function makeCall({ cloud, provider }: Scene, { action }: Corruption): Promise<Done> {
  const options = { caller: admin, timeoutSeconds };
  const names = Object.keys(provider.actions);
  if (typeof action === 'string') {
    const subject = action === 'create' || action === 'prepare' ? cloud.another() : cloud;
    return subject.call(action, options);
  }
  const name = names[action % names.length] ?? '';
  return cloud.custom(name, parametersFor(cloud, provider, name), options);
}

/** The instance's machine, and two that no call may touch; answers the ids of the latter. */
async function populate({ cloud, provider, backend }: Scene, on: boolean): Promise<string[]> {
  const mark = markOf(cloud);
  const power = on ? 'on' : 'off';
  pointAt(cloud, provider, await backend.plant({ name: cloud.vm.name, mark, power }));
  const foreign = markOf(cloud, { installation: 'another-cloud' });
  return [
    await backend.plant({ name: 'stranger', power: 'on' }),
    await backend.plant({ name: cloud.vm.name, mark: foreign, power: 'on' }),
  ];
}

async function those(backend: Backend, ids: readonly string[]): Promise<readonly RemoteMachine[]> {
  return (await backend.machines()).filter(({ remoteId }) => ids.includes(remoteId));
}

async function check(scene: Scene, corruption: Corruption): Promise<void> {
  const { cloud, backend } = scene;
  const on = corruption.action !== 'start';
  const ids = await populate(scene, on);
  const before = await those(backend, ids);
  assert.equal(before.length, 2);
  const stop = beginToCorrupt(corruption);
  const started = performance.now();
  let done: Done;
  try {
    done = await makeCall(scene, corruption);
  } finally {
    stop();
  }
  const tookMs = performance.now() - started;
  const document = checkForm({ output: done.text, exitCode: done.exitCode });
  assert.doesNotMatch(String(document['error']), /should not happen/);
  assert.ok(tookMs < timeoutSeconds * 1000, `took ${tookMs} ms`);
  assert.deepEqual(await those(backend, ids), before, 'a machine of others was touched');
  const said = cloud.allOutput();
  for (const secret of backend.secrets) assert.ok(!said.includes(secret), 'a secret');
  if (on && corruption.action === 'status') assert.notEqual(document['power_state'], 'PowerOff');
  checkPrototypes();
}

const systems = {
  'Proxmox VE': proxmoxBackend(),
  MAAS: () => maasBackend(),
  'Hyper-V': halfMadeAllowed,
} satisfies Readonly<Record<string, SetUp>>;

/** While responses are corrupt, even an undo cannot know what it has left behind; all else is as strict. */
async function halfMadeAllowed(): Promise<Backend> {
  const { fake, ...backend } = await hyperVBackend();
  return {
    ...backend,
    async close() {
      await fake.close();
      assert.deepEqual(fake.complaints, []);
      assert.equal(fake.openShells(), 0, 'a shell was left open');
    },
  };
}

export type System = keyof typeof systems;

export const systemNames = Object.keys(systems) as readonly System[];

/** Plays one case against a system of its own and checks the promises that hold for all its answers. */
export function playCorruption(
  system: System,
  corruption: Corruption,
  t: TestContext,
): Promise<void> {
  return inScene(systems[system], (scene) => check(scene, corruption))(t);
}
