import { join } from 'node:path';
import { collectIssues } from '../../src/cloudstack/issues.ts';
import { resolveSettings } from '../../src/cloudstack/settings.ts';
import type { Context } from '../../src/contract/context.ts';
import type { Instance } from '../../src/contract/instance.ts';
import type { Check } from '../../src/contract/provider.ts';
import { createDeadline } from '../../src/kit/deadline.ts';
import { silent } from '../../src/kit/log.ts';
import { type Verbs, verbsOf } from '../../src/lifecycle/index.ts';
import { type Cloud, installation, type Scene } from './cloud.ts';

type Settings = Readonly<Record<string, unknown>>;

/** The provider opened beside CloudStack, as an operator's command does it. */
export function operatorVerbs({ provider, ...scene }: Scene): Verbs {
  return verbsOf(provider, settingsOf({ provider, ...scene }), contextOf(scene));
}

/** The checks that `doctor` shows; `undefined` for a provider that checks nothing. */
export async function examine(scene: Scene): Promise<readonly Check[] | undefined> {
  return scene.provider.checks?.(settingsOf(scene), contextOf(scene), {});
}

/** The instance as `adopt` knows it, to which nothing points. */
export function instanceOf({ vm }: Cloud): Instance {
  return { uuid: vm.uuid, name: vm.name, deploying: false, stored: {} };
}

/** The details of this moment: a backend may have others in an outage. */
function settingsOf({ provider, backend, place }: Scene): Settings {
  const { extension, resourcemap, host } = backend.details();
  const details = { ...extension, ...resourcemap, ...host };
  const issues = collectIssues();
  const secrets = join(place.folder, 'secrets');
  const { values } = resolveSettings(provider, [{ name: 'host', details }], secrets, issues);
  issues.throwIfAny("The backend's details do not fit");
  return values;
}

function contextOf({ place }: Pick<Scene, 'place'>): Context {
  const clock = (): number => performance.now();
  const endMs = clock() + 20_000;
  const state = join(place.folder, 'home/.local/state/outrigger');
  return {
    deadline: createDeadline(clock, { endMs, undoEndMs: endMs + 2_000 }),
    log: silent,
    installation,
    stateDirectory: (name) => join(state, name),
  };
}
