import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fault, Gate, Seen } from '../../../fakes/maas/gate.ts';
import { admin } from '../../support/payloads.ts';
import { doctorOf, inMaas, type MaasScene, requests, sessionOf } from './scene.ts';

/** How the process dies at a request: before it arrives, or before its answer does. */
const deaths = ['lost-request', 'lost-answer'] as const;

/** So many deaths at a time, since each has a whole MAAS; none of the actions sends this many times 8. */
const atOnce = 6;
const mostBatches = 8;

interface Killed {
  /** Whether the action got that far at all. */
  readonly died: boolean;
  readonly request: string | undefined;
}

/**
 * Runs an action through a gate of its own, which closes for good at its n-th request: from then on
 * the caller can do nothing any more, undo included, like a process that was killed.
 */
async function kill(
  scene: MaasScene,
  action: (host: Readonly<Record<string, string>>) => Promise<unknown>,
  at: number,
  how: (typeof deaths)[number],
): Promise<Killed> {
  const gate: Gate = await scene.fake.openGate();
  const died = new Promise<true>((resolve) => {
    gate.disturb(({ count }: Seen): Fault | undefined => {
      if (count < at) return undefined;
      // The connection itself ends only when the fault has done its work.
      setImmediate(() => gate.cut());
      resolve(true);
      return how;
    });
  });
  const ended = action({ endpoint: gate.url }).then(() => false);
  const first = await Promise.race([died, ended]);
  // A killed process has no more time; ours only has no server left to talk to.
  if (first) await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 30))]);
  return { died: first, request: requests(gate)[at - 1] };
}

async function everyDeath(
  first: (scene: MaasScene) => Promise<void>,
  action: (scene: MaasScene, host: Readonly<Record<string, string>>) => Promise<unknown>,
  after: (scene: MaasScene, request: string) => Promise<void>,
): Promise<void> {
  const seen: string[] = [];
  const one = (at: number, how: (typeof deaths)[number]) =>
    inMaas({ ready: 3, timings: { deployMs: 30 } }, async (scene) => {
      await first(scene);
      const { died, request } = await kill(scene, (host) => action(scene, host), at, how);
      if (died) seen.push(`${request} ${how}`);
      await after(scene, `killed at ${at} (${request}, ${how})`);
    })(undefined as never);
  for (const how of deaths) {
    for (let batch = 0, before = -1; batch < mostBatches && seen.length > before; batch += 1) {
      before = seen.length;
      const turns = Array.from({ length: atOnce }, (_, more) => batch * atOnce + more + 1);
      await Promise.all(turns.map((at) => one(at, how)));
    }
  }
}

/** Enough for a busy machine to get to its last request. */
const short = { timeoutSeconds: 5 } as const;

describe('a deployment that is killed at any request', () => {
  const deploy = (scene: MaasScene, host: Readonly<Record<string, string>>) =>
    scene.cloud.call('create', { ...short, host });

  it('is seen by an audit, also where it was killed before the mark', async () => {
    const places = { marked: 0, leftover: 0 };
    await everyDeath(
      async () => {},
      deploy,
      async (scene, when) => {
        const { cloud, owned } = scene;
        const listed = await (await sessionOf(scene)).machines();
        for (const { systemId } of owned()) {
          const found = listed.find(({ remoteId }) => remoteId === systemId);
          if (typeof found?.mark === 'object') {
            assert.equal(found.mark.uuid, cloud.vm.uuid, when);
            places.marked += 1;
          } else {
            assert.equal(found?.leftover, true, when);
            assert.match(found?.remarks?.join() ?? '', /claimed for i-2-42-VM/, when);
            const claims = (await doctorOf(scene)).get('claims');
            assert.equal(claims?.state, 'warn', when);
            places.leftover += 1;
          }
        }
      },
    );
    assert.ok(places.marked > 0 && places.leftover > 0, JSON.stringify(places));
  });
});

describe('a Redeploy that is killed at any request', () => {
  it('is settled by the next Redeploy', async () => {
    await everyDeath(
      ({ cloud }) => cloud.deploy(),
      ({ cloud }, host) =>
        cloud.custom('Redeploy', { confirm: cloud.vm.name }, { ...short, host, caller: admin }),
      async ({ cloud, own, owned }, when) => {
        await cloud.okCustom('Redeploy', { confirm: cloud.vm.name }, { caller: admin });
        assert.equal(own().status, 'deployed', when);
        assert.equal(owned().length, 1, when);
        assert.equal((await cloud.ok('status')).document['power_state'], 'PowerOn', when);
        await cloud.ok('delete');
        assert.equal(owned().length, 0, when);
      },
    );
  });
});
