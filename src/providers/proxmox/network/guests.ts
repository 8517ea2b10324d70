import type { GuestData } from '../../../contract/guest.ts';
import type { GuestRecord, GuestStore } from '../../../contract/guest-store.ts';
import { Failure } from '../../../failure.ts';
import { instanceIdFor } from '../../../guest/instance-id.ts';
import { seedImage } from '../../../guest/seed.ts';
import { needsSeed } from '../../../guest/sources.ts';
import { mapLimit } from '../../../kit/map-limit.ts';
import { flagOf, listOf, recordOf, textOf } from '../api/wire.ts';
import { seedName } from '../guest/seed-names.ts';
import { listSeeds, removeSeed } from '../guest/stored-seeds.ts';
import { uploadImage } from '../guest/upload.ts';
import type { NetworkSession } from './session.ts';

/**
 * The data of a guest as the image that its machine will read: create and start find it by the NIC in its
 * name. A storage for images gives nothing back, so that no record can be read again: each start brings
 * all of it anew, but for a password that was reset while the instance was stopped.
 */
export function guests(base: NetworkSession, storage: string | undefined): GuestStore {
  return {
    read: async () => [],
    write: async (record, deadline) => write(base.at(deadline), storage, record),
    remove: async (nicUuid, deadline) => {
      if (storage !== undefined) await remove(base.at(deadline), storage, nicUuid);
    },
  };
}

async function write(
  session: NetworkSession,
  storage: string | undefined,
  { instanceUuid, nicUuid, data, nic, password }: GuestRecord,
): Promise<void> {
  if (instanceUuid === undefined || data === undefined) throw noPlaceForPassword();
  const { vendor_data: vendorData } = session.settings;
  const guest: GuestData = {
    ...{ ...data, nics: [nic], moreNics: true },
    instanceId: instanceIdFor(instanceUuid, data.userData),
    ...(password === undefined ? {} : { password }),
    ...(vendorData === undefined ? {} : { vendorData: Buffer.from(vendorData) }),
  };
  if (storage === undefined) {
    if (needsSeed(guest)) throw noStorageSet();
    return;
  }
  const name = seedName(session.context.installation, { instanceUuid, nicUuid });
  const image = seedImage(guest);
  const nodes = await nodesWith(session, storage);
  await mapLimit(nodes, 2, (node) => uploadImage(session, { node, storage }, name, image));
}

function noPlaceForPassword(): Failure {
  return new Failure(
    'unsupported',
    'Proxmox VE cannot keep a new password until the next start: its storage for images gives nothing back',
    { advice: 'Set the password inside the guest, or deploy the instance anew' },
  );
}

function noStorageSet(): Failure {
  return new Failure('config', 'The instance has user data or a password, and no storage is set', {
    advice:
      'Set seed_storage at the registration with the physical network and on the hosts: a small directory storage of its own with content iso, as the page of the provider describes',
  });
}

async function remove(session: NetworkSession, storage: string, nicUuid: string): Promise<void> {
  for (const node of await nodesWith(session, storage)) {
    const place = { node, storage };
    for (const seed of await listSeeds(session, place)) {
      if (seed.nicUuid === nicUuid) await removeSeed(session, place, seed.name);
    }
  }
}

/** One node where the storage is shared; else each that instances may be made on. */
async function nodesWith(
  { api, settings: { nodes: wanted } }: NetworkSession,
  storage: string,
): Promise<readonly string[]> {
  const ask = { what: 'list the storages', query: { type: 'storage' } };
  const rows = listOf(await api.get('/cluster/resources', ask))
    .map(recordOf)
    .filter((row) => row['storage'] === storage && row['status'] === 'available');
  const nodes = rows.flatMap((row) => textOf(row['node']) ?? []);
  const own = nodes.filter((node) => wanted?.includes(node) !== false);
  const [first] = own;
  if (first === undefined) throw noStorage(storage, nodes);
  return rows.some((row) => flagOf(row['shared'])) ? [first] : own;
}

function noStorage(storage: string, nodes: readonly string[]): Failure {
  const where = nodes.length === 0 ? 'on no node' : `on ${nodes.join(', ')} alone`;
  return new Failure('config', `The API token sees the storage ${storage} ${where}`, {
    advice:
      'It needs Datastore.Audit, Datastore.AllocateTemplate and Datastore.Allocate on the storage, which has to be on every node that instances are made on',
  });
}
