import type { TestContext } from 'node:test';
import type { Backend, SetUp } from './conformance-backend.ts';
import { inScene, type Scene } from './conformance-cloud.ts';
import type { Cluster, Logged, Options } from './fakes/proxmox/index.ts';
import type { Details } from './payloads.ts';
import { detailsFor, proxmoxBackend } from './proxmox-backend.ts';

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

export function isChange({ method }: Logged): boolean {
  return method !== 'GET';
}

export function shown({ method, path }: Logged): string {
  return `${method} ${path}`;
}

export type { Backend };
