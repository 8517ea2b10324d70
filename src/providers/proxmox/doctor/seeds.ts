import type { Check } from '../../../contract/provider.ts';
import type { Json } from '../api/wire.ts';
import type { ClusterResources } from '../machine/capacity.ts';
import type { Session } from '../machine/session.ts';
import { allows, givingSeeds } from './rights.ts';

const needed = ['Datastore.Allocate', 'Datastore.AllocateTemplate', 'Datastore.Audit'];
const name = 'seed storage';

/** Whether user data, keys and passwords can be handed to guests; nothing where none are to be. */
export function checkSeeds(
  { settings, api }: Session,
  { storages }: ClusterResources,
  rights: Json,
): readonly Check[] {
  const { seed_storage: storage, node } = settings;
  if (storage === undefined) return [];
  const missing = needed.filter((right) => !allows(rights, `/storage/${storage}`, right));
  if (missing.length > 0) {
    const found = `missing on /storage/${storage}: ${missing.join(', ')}`;
    return [{ name, state: 'fail', found, advice: givingSeeds(storage, api.token(), needed) }];
  }
  const row = storages.find((each) => each.storage === storage && each.node === node);
  if (row === undefined || !row.content.includes('iso')) {
    const found = `${storage} on ${node} ${row === undefined ? 'is not there' : 'takes no images'}`;
    const advice = `pvesm add dir ${storage} --path /var/lib/outrigger-seeds --content iso`;
    return [{ name, state: 'fail', found, advice }];
  }
  if (!row.available) return [{ name, state: 'fail', found: `${storage} is not available` }];
  const others = row.content.filter((kind) => kind !== 'iso');
  if (others.length > 0) {
    const found = `${storage} holds ${others.join(', ')} too, and the token may remove all of it`;
    const advice = 'Give seeds a small directory storage of their own';
    return [{ name, state: 'warn', found, advice }];
  }
  const found = `${storage}${row.shared ? ', on all nodes the same' : ', on each node its own'}`;
  return [{ name, state: 'ok', found }];
}
