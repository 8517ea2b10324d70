import type { GuestData, GuestNic } from '../contract/guest.ts';
import type { Address } from '../contract/instance.ts';
import type { IsoFile } from './iso/image.ts';
import { prefix6Of, prefixOf } from './network-config.ts';

/**
 * The files of an OpenStack config drive, the form that cloudbase-init looks for on Windows as it is
 * installed. The operator's vendor data are none of them: cloudbase-init reads no such part.
 */
export function configDriveFiles(guest: GuestData): readonly IsoFile[] {
  const { userData, nics } = guest;
  const file = (name: string, content: Buffer): IsoFile => ({
    path: `openstack/latest/${name}`,
    content,
  });
  const json = (name: string, value: unknown): IsoFile =>
    file(name, Buffer.from(`${JSON.stringify(value)}\n`));
  return [
    json('meta_data.json', metaData(guest)),
    ...(nics.length === 0 ? [] : [json('network_data.json', networkData(nics))]),
    ...(userData === undefined ? [] : [file('user_data', userData)]),
  ];
}

function metaData({ instanceId, hostname, publicKeys, password, metadata }: GuestData) {
  return {
    uuid: instanceId,
    ...{ hostname, name: hostname },
    public_keys: Object.fromEntries(publicKeys.map((key, i) => [`key${i}`, key])),
    ...(password === undefined ? {} : { admin_pass: password }),
    meta: metadata,
  };
}

function networkData(nics: readonly GuestNic[]) {
  const all = nics.flatMap(({ ipv4, ipv6 }) => [...(ipv4?.dns ?? []), ...(ipv6?.dns ?? [])]);
  return {
    links: nics.map(({ mac, mtu }, i) => ({
      id: `nic${i}`,
      type: 'phy',
      ethernet_mac_address: mac,
      ...(mtu === undefined ? {} : { mtu }),
    })),
    networks: nics.flatMap(networksOf),
    services: [...new Set(all)].map((address) => ({ type: 'dns', address })),
  };
}

function networksOf({ isDefault, ipv4, ipv6 }: GuestNic, i: number) {
  const link = `nic${i}`;
  const bits = prefix6Of(ipv6);
  return [
    prefixOf(ipv4) === undefined || ipv4 === undefined
      ? { id: `${link}v4`, type: 'ipv4_dhcp', link }
      : {
          ...{ id: `${link}v4`, type: 'ipv4', link, netmask: ipv4.netmask },
          ...placed(ipv4, isDefault, { network: '0.0.0.0', netmask: '0.0.0.0' }),
        },
    ...(ipv6 === undefined || bits === undefined
      ? []
      : [
          {
            ...{ id: `${link}v6`, type: 'ipv6', link, netmask: maskOf(bits) },
            ...placed(ipv6, isDefault, { network: '::', netmask: '::' }),
          },
        ]),
  ];
}

/** Only the default NIC leads out of its network. */
function placed({ address, gateway, dns }: Address, isDefault: boolean, everywhere: object) {
  const services = dns.map((server) => ({ type: 'dns', address: server }));
  const routes = isDefault && gateway !== undefined ? [{ ...everywhere, gateway }] : [];
  return { ip_address: address, routes, services };
}

function maskOf(bits: number): string {
  const all = '1'.repeat(bits).padEnd(128, '0');
  const groups = all.match(/.{16}/g) ?? [];
  return groups.map((group) => Number.parseInt(group, 2).toString(16)).join(':');
}
