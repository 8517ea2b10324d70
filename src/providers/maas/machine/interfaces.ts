import type { SizedInstance } from '../../../contract/instance.ts';
import type { Interface, Machine } from '../api/wire.ts';
import type { Settings } from '../settings.ts';

/** An interface of the machine for a NIC of the instance. */
export interface Match {
  readonly nicUuid: string;
  readonly mac: string;
  /** Only where MAAS has assigned it already. */
  readonly ip: string | undefined;
}

/** Which interfaces stand for which NICs; NICs without a word for them keep what they have. */
export function matchInterfaces(
  machine: Machine,
  { nics }: Pick<SizedInstance, 'nics'>,
  { interfaces }: Pick<Settings, 'interfaces'>,
): readonly Match[] {
  const taken = new Set<string>();
  return nics.flatMap(({ uuid }, at) => {
    const found = at < interfaces.length ? findInterface(machine, interfaces[at] ?? '') : undefined;
    const mac = found?.mac_address.toLowerCase() ?? '';
    if (found === undefined || !macPattern.test(mac) || taken.has(mac)) return [];
    taken.add(mac);
    return [{ nicUuid: uuid, mac, ip: addressOf(found) }];
  });
}

const macPattern = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

function findInterface(machine: Machine, wanted: string): Interface | undefined {
  const { interface_set: all, boot_interface: boot } = machine;
  if (wanted === 'boot') {
    // Its copy in the set has the links even where the short form leaves them out.
    return all.find(({ mac_address }) => mac_address === boot?.mac_address) ?? boot ?? undefined;
  }
  if (wanted.startsWith('subnet:')) {
    const name = wanted.slice('subnet:'.length);
    return all.find(({ links }) =>
      links.some(({ subnet }) => subnet?.cidr === name || subnet?.name === name),
    );
  }
  const word = wanted.toLowerCase();
  return all.find(({ name, mac_address }) => name === wanted || mac_address.toLowerCase() === word);
}

function addressOf({ links }: Interface): string | undefined {
  return links.map(({ ip_address }) => ip_address).find((ip) => /^\d{1,3}(\.\d{1,3}){3}$/.test(ip));
}
