import { resolve } from 'node:path';
import type { Deadline } from '../../contract/context.ts';
import { demandAccess } from '../api/access.ts';
import { createApi } from '../api/client.ts';
import type { CommandCall, Option } from '../command.ts';
import { listNetworkExtensions, listNetworks } from '../network-half/extensions.ts';
import { listHosts, listInstances } from './from-api.ts';
import { readInventory } from './from-file.ts';
import type { Lists } from './listed.ts';

/** The option of audit and adopt besides the access to CloudStack. */
export const inventoryOption: Readonly<Record<string, Option>> = {
  inventory: { type: 'string', value: 'FILE', about: 'Hosts and instances, in place of the API' },
};

/** Hosts and instances from the file where it has them, else from CloudStack, for the work. */
export async function withLists<T>(
  call: CommandCall,
  deadline: Deadline,
  work: (lists: Lists) => Promise<T>,
): Promise<T> {
  const file = call.text('inventory');
  const given = file === undefined ? undefined : readInventory(resolve(file));
  const { hosts, instances } = given ?? {};
  if (hosts !== undefined && instances !== undefined) {
    return work({ hosts, instances, again: async () => instances });
  }
  const api = createApi(demandAccess(call), deadline);
  try {
    const found = hosts === undefined ? await listHosts(api) : { hosts, known: undefined };
    const list = async () => instances ?? listInstances(api, found.known);
    const halves = async () => ({
      extensions: await listNetworkExtensions(api),
      networks: () => listNetworks(api),
    });
    return await work({ hosts: found.hosts, instances: await list(), again: list, halves });
  } finally {
    api.close();
  }
}
