import type { TestContext } from 'node:test';
import type { HostState, Machine, Trouble } from '../../../fakes/winrm/state.ts';
import { resolveFields } from '../../../src/cloudstack/details.ts';
import { collectIssues } from '../../../src/cloudstack/issues.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import type { Settings } from '../../../src/providers/hyperv/settings.ts';
import { type Cloud, inScene } from '../../conformance/cloud.ts';
import type { Done } from '../../support/world.ts';
import { type HyperVBackend, hyperVBackend } from './backend.ts';

export interface Scene {
  readonly cloud: Cloud;
  readonly backend: HyperVBackend;
  readonly state: HostState;
  machine(): Promise<Machine>;
  choose(details: Readonly<Record<string, string>>): void;
}

/** A case on a host of its own; afterwards no shell, no file and no complaint may be left. */
export function scene(play: (scene: Scene) => Promise<void>): (t: TestContext) => Promise<void> {
  let backend: HyperVBackend | undefined;
  return inScene(
    async () => {
      backend = await hyperVBackend();
      return backend;
    },
    async ({ cloud }) => {
      if (backend === undefined) throw new Error('no backend');
      const { state } = backend.fake;
      await play({
        cloud,
        backend,
        state,
        machine: async () => state.machines.get((await cloud.machine()).remoteId) as Machine,
        choose(details) {
          const entries = Object.entries(details).map(([key, value]) => [`External:${key}`, value]);
          cloud.change({ details: { ...cloud.vm.details, ...Object.fromEntries(entries) } });
        },
      });
    },
  );
}

/** An error that means nothing in particular, in the language of the host. */
export const oops: Trouble = {
  id: 'OperationFailed,Microsoft.HyperV.PowerShell.Commands.X',
  category: 'NotSpecified',
  message: 'Der Vorgang ist fehlgeschlagen.',
};

/** Details through the schemas of the provider, as the core does it. */
export function settingsOf(details: Readonly<Record<string, string>>): Settings {
  const issues = collectIssues();
  const { values } = resolveFields(hyperv.settings, {
    levels: [{ name: 'host', details }],
    secretsDirectory: '/nowhere',
    issues,
  });
  issues.throwIfAny('Cannot read the settings');
  return values as Settings;
}

/** The power state that `status` answers. */
export function word({ document }: Done): unknown {
  return document['power_state'];
}
