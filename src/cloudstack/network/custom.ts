import type { Context } from '../../contract/context.ts';
import type { Network, NetworkDriver } from '../../contract/network.ts';
import { Failure } from '../../failure.ts';
import type { Body } from '../call-result.ts';

interface Asked {
  readonly driver: NetworkDriver;
  readonly context: Context;
  readonly now: Date;
}

type CustomAction = (network: Network, asked: Asked) => Promise<Body>;

/** Custom actions on a network. CloudStack shows the caller nothing of a failure. */
const actions: Readonly<Record<string, CustomAction>> = {
  ShowNetwork: showNetwork,
};

export async function runCustom(
  fields: Readonly<Record<string, unknown>>,
  asked: Asked,
): Promise<Body> {
  const { action, network_id } = fields;
  if (network_id === undefined) throw new Failure('unsupported', 'There are no actions on VPCs');
  const run = typeof action === 'string' && Object.hasOwn(actions, action) && actions[action];
  if (run) return run((await import('./read.ts')).readNetwork(fields), asked);
  throw new Failure('unsupported', `There is no network action ${JSON.stringify(action)}`, {
    advice: `The actions are: ${Object.keys(actions).join(', ')}`,
  });
}

/** Tenants may run it: it names the remote network and counts, and names no machine. */
async function showNetwork(network: Network, { driver, context }: Asked): Promise<Body> {
  const rows = [
    { Property: 'CloudStack id', Value: network.id },
    ...(await remoteRows(network, driver, context)),
    ...(await guestRows(network, driver, context)),
  ];
  return { message: rows };
}

async function remoteRows(network: Network, { networks }: NetworkDriver, context: Context) {
  if (networks === undefined) return [];
  const { look } = await import('../../lifecycle/network/networks.ts');
  const found = await look({ networks, context }, network);
  if (found === undefined) return [{ Property: 'Remote network', Value: 'none' }];
  return [
    { Property: 'Remote network', Value: found.remote.remoteId },
    { Property: 'NICs, templates and snapshots on it', Value: String(found.users.length) },
  ];
}

async function guestRows({ id }: Network, { guests }: NetworkDriver, { deadline }: Context) {
  if (guests === undefined) return [];
  const all = await guests.read('all', deadline);
  const count = all.filter(({ networkId }) => networkId === id).length;
  return [{ Property: 'NICs with stored user data', Value: String(count) }];
}
