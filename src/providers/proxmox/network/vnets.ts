import type { NetworkMark } from '../../../contract/network.ts';
import { Failure, remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { writeNetworkMark } from '../../../lifecycle/network/mark.ts';
import { isUncertain } from '../api/find-task.ts';
import type { LockToken } from './lock.ts';
import type { Vnet } from './objects.ts';
import type { NetworkSession } from './session.ts';

/** A vnet as it is to be written. */
export interface WantedVnet {
  readonly id: string;
  readonly zone: string;
  readonly tag: number | undefined;
  readonly mark: NetworkMark;
}

/**
 * Defines a vnet with its mark; `false` when one of this id is there already: another server makes the same
 * network, the answer of the first request got lost, or it is another author's. The caller reads it back.
 */
export async function defineVnet(
  session: NetworkSession,
  { id, zone, tag, mark }: WantedVnet,
  token: LockToken,
): Promise<boolean> {
  const form = { vnet: id, zone, alias: writeNetworkMark(mark), tag, ...token };
  const ask = { what: `define the vnet ${id} in zone ${zone}`, form };
  try {
    await twice(() => session.api.send('POST', '/cluster/sdn/vnets', ask));
    return true;
  } catch (thrown) {
    if (!/sdn vnet object ID '[^']*' already defined/.test(remoteMessage(thrown))) throw thrown;
    return false;
  }
}

/** Gives a vnet another VLAN. */
export async function retagVnet(
  session: NetworkSession,
  { remoteId }: Vnet,
  tag: number,
  token: LockToken,
): Promise<void> {
  const ask = { what: `give the vnet ${remoteId} the VLAN ${tag}`, form: { tag, ...token } };
  await twice(() => session.api.send('PUT', path`/cluster/sdn/vnets/${remoteId}`, ask));
}

/** Removes a vnet from the configuration; success where it is not there. */
export async function deleteVnet(
  session: NetworkSession,
  id: string,
  token: LockToken,
): Promise<void> {
  const ask = { what: `delete the vnet ${id}`, query: token };
  try {
    await twice(() => session.api.send('DELETE', path`/cluster/sdn/vnets/${id}`, ask));
  } catch (thrown) {
    if (!isAbsent(thrown, id)) throw thrown;
  }
}

function isAbsent(thrown: unknown, id: string): boolean {
  return new RegExp(`sdn (vnet )?'${id}' does not exist`).test(remoteMessage(thrown));
}

/** The number is another vnet's already. */
export function isTagTaken(thrown: unknown): boolean {
  return /^tag: .*\btag \d+ already exist/m.test(remoteMessage(thrown));
}

/** Each change of a vnet may be made twice: a lost answer is asked for once more. */
export async function twice<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (thrown) {
    if (!isUncertain(thrown)) throw thrown;
    return send();
  }
}

/** The vnet as it was read back; another one under its id is left alone. */
export function readBack(vnets: readonly Vnet[], { id, mark, zone }: WantedVnet): Vnet {
  const found = vnets.find(({ remoteId }) => remoteId === id);
  const own = typeof found?.mark === 'object' ? found.mark : undefined;
  const isOwn = own?.installation === mark.installation && own.networkId === mark.networkId;
  if (found !== undefined && isOwn && found.state !== 'deleted') return found;
  const shown =
    found === undefined ? 'the API token sees none' : `it has the alias "${found.alias}"`;
  throw new Failure('conflict', `The vnet ${id} is not the one that was made: ${shown}`, {
    advice: `Give the token SDN.Audit on /sdn/zones/${zone}, or rename the vnet that has this id`,
  });
}
