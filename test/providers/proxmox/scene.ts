import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Logged, Options } from '../../../fakes/pve/index.ts';
import { collectIssues } from '../../../src/cloudstack/issues.ts';
import { resolveSettings } from '../../../src/cloudstack/settings.ts';
import type { Check } from '../../../src/contract/provider.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { silent } from '../../../src/kit/log.ts';
import type { Verbs } from '../../../src/lifecycle/index.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { proxmox } from '../../../src/providers/proxmox/index.ts';
import type { Backend, SetUp } from '../../conformance/backend.ts';
import { inScene, installation, type Scene } from '../../conformance/cloud.ts';
import type { Details } from '../../support/payloads.ts';
import { detailsFor, proxmoxBackend } from './backend.ts';

export interface ClusterScene extends Scene {
  readonly cluster: Cluster;
  /** Requests that changed something, or tried to, as `METHOD path`. */
  changes(): readonly string[];
  /** Further host details for all calls of the scene from now on. */
  configure(more: Details): void;
}

/** One case with a cluster, and a CloudStack with one instance, of its own. */
export function inCluster(
  play: (scene: ClusterScene, t: TestContext) => Promise<void>,
  options: Options = {},
): (t: TestContext) => Promise<void> {
  return async (t) => {
    let cluster: Cluster | undefined;
    let details: Details = {};
    const setUp: SetUp = async () => {
      const backend = await proxmoxBackend(options, (made) => {
        cluster = made;
      })();
      return { ...backend, details: () => ({ host: { ...detailsOf(cluster), ...details } }) };
    };
    await inScene(setUp, (scene, inner) => {
      const made = cluster as Cluster;
      return play(
        {
          ...scene,
          cluster: made,
          changes: () => made.requests.filter(isChange).map(shown),
          configure: (more) => {
            details = { ...details, ...more };
          },
        },
        inner,
      );
    })(t);
  };
}

function detailsOf(cluster: Cluster | undefined): Details {
  return cluster === undefined ? {} : detailsFor(cluster);
}

/** A session as operator commands open it; `content` are settings whose file has been read already. */
export async function sessionOf(
  cluster: Cluster,
  more: Details = {},
  content: Details = {},
): Promise<Verbs> {
  const issues = collectIssues();
  const details = detailsFor(cluster, 'pve1', more);
  const { values } = resolveSettings(proxmox, [{ name: 'host', details }], '', issues);
  issues.throwIfAny('open');
  const endMs = performance.now() + 20_000;
  const deadline = createDeadline(() => performance.now(), { endMs, undoEndMs: endMs });
  return verbsOf(
    proxmox,
    { ...values, ...content },
    { deadline, log: silent, installation, stateDirectory: () => '/nonexistent' },
  );
}

/** The checks of doctor with these settings of the host. */
export async function checksOf(cluster: Cluster, more: Details): Promise<readonly Check[]> {
  const issues = collectIssues();
  const details = detailsFor(cluster, 'pve1', more);
  const { values } = resolveSettings(proxmox, [{ name: 'host', details }], '', issues);
  issues.throwIfAny('check');
  const endMs = performance.now() + 20_000;
  const deadline = createDeadline(() => performance.now(), { endMs, undoEndMs: endMs });
  const context = { deadline, log: silent, installation, stateDirectory: () => '/nonexistent' };
  return (await proxmox.checks?.(values, context)) ?? [];
}

/** Waits for what has to happen before a call is over. */
export async function during(call: Promise<unknown>, isSo: () => boolean): Promise<void> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  call.then(over, over);
  while (!isSo()) {
    assert.ok(!isOver, 'the call was over before that');
    await sleep(20);
  }
}

export function isChange({ method }: Logged): boolean {
  return method !== 'GET';
}

export function shown({ method, path }: Logged): string {
  return `${method} ${path}`;
}

export type { Backend };
