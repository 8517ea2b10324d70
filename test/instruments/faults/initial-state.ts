import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stateOf } from '../../providers/simulator/backend.ts';
import { makePlace, type Place } from '../../support/world.ts';
import { installation, standing } from '../bench/instance.ts';
import type { Action } from './action.ts';
import type { Scene } from './fault.ts';
import type { SystemName } from './systems.ts';

/** How long a memo may repeat an old failure in most cases. */
export const memoSeconds = 1;

/** A management server's own files, all in one folder. */
export function makeServer(): Place {
  const place = makePlace({});
  const config = {
    log: { file: place.logFile, level: 'debug' },
    memo: { seconds: memoSeconds },
    state_directory: dirname(stateOf(place)),
  };
  writeFileSync(join(place.folder, 'config.json'), JSON.stringify(config));
  // Root makes neither of them.
  writeFileSync(place.logFile, '');
  mkdirSync(join(place.folder, 'log/outrigger-memo'), { mode: 0o700 });
  return place;
}

/** Machines that are none of the instance's: of its own CloudStack, of another, and of no CloudStack. */
export async function plantOthers({ remote }: Scene): Promise<void> {
  const { backend } = remote;
  await backend.plant(standing(7));
  const { name, mark } = standing(8);
  const marked = mark as NonNullable<typeof mark>;
  await backend.plant({ name, mark: (id) => ({ ...marked(id), state: 'building' }) });
  const theirs = (id: string) => ({ ...standing(9).mark?.(id), installation: 'another-cloud' });
  await backend.plant({ name: 'theirs', mark: theirs as typeof marked, power: 'on' });
  await backend.plant({ name: 'unmarked', power: 'on' });
}

/** Brings the instance to where the action finds it. */
export async function begin({ from, before }: Action, scene: Scene): Promise<void> {
  const { cloud, remote } = scene;
  if (from === 'nothing') return;
  if (from === 'partial') {
    const { uuid, name } = cloud.vm;
    const own = { uuid, name, installation, state: 'building', origin: 'created' } as const;
    await remote.backend.plant({ name, mark: (remoteId) => ({ ...own, remoteId }) });
    return;
  }
  if (remote.backend.provider !== 'hyperv') await cloud.bring({ word: 'prepare' });
  if (from === 'prepared') return;
  await cloud.bring({ word: 'create' });
  if (from === 'stopped') await cloud.bring({ word: 'stop' });
  for (const call of before?.(cloud.vm, remote.backend.provider as SystemName) ?? []) {
    await cloud.bring(call);
  }
}
