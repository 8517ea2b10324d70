import type { Check, Property, StoredMethod } from '../schema.ts';

/*
 * The methods of the software-defined network, written down from what a recorded 8.4 and 9.2 accept. Only 9.x
 * knows the lock.
 */

type Methods = Readonly<Record<string, Readonly<Record<string, StoredMethod>>>>;
type Parameters = Readonly<Record<string, Property>>;

const text: Property = { type: 'string', optional: 1 };
const flag: Property = { type: 'boolean', optional: 1 };
const whole: Property = { type: 'integer', optional: 1 };
const node: Property = { type: 'string', format: 'pve-node' };
const views: Parameters = { pending: flag, running: flag };
const kinds = ['evpn', 'faucet', 'qinq', 'simple', 'vlan', 'vxlan'];

/** The characters from `)` to `_`, letters, digits and blanks: letters of any alphabet pass here. */
const alias: Property = {
  ...{ type: 'string', optional: 1 },
  pattern: '[(\\x29-\\x5f\\p{L}\\p{N}_\\s]{0,256}',
};

const may = (path: string, right: string): Check => ['perm', path, [right]];

export function sdnMethods(version: '8.4' | '9.1'): Methods {
  const is9 = version === '9.1';
  const token: Parameters = is9 ? { 'lock-token': text } : {};
  const release: Parameters = is9 ? { ...token, 'release-lock': flag } : {};
  const zone: Property = { type: 'string', format: 'pve-sdn-zone-id' };
  const id: Property = is9
    ? { type: 'string', format: 'pve-sdn-vnet-id', maxLength: 8 }
    : { type: 'string', format: 'pve-sdn-short-vnet-id' };
  const tag: Property = is9 ? { ...whole, minimum: 1, maximum: 16_777_215 } : whole;
  const vnet: Parameters = {
    ...{ alias, tag, type: text, vlanaware: flag, 'isolate-ports': flag },
    ...token,
  };
  const change = (check: Check | undefined, parameters: Parameters): StoredMethod => ({
    ...(check === undefined ? { user: 'all' } : { check }),
    ...{ protected: 1, parameters },
  });
  const commit = may('/sdn', 'SDN.Allocate');
  return {
    '/cluster/sdn': {
      GET: { check: may('/sdn', 'SDN.Audit'), parameters: {} },
      PUT: change(commit, release),
    },
    ...(is9
      ? {
          '/cluster/sdn/lock': {
            POST: change(commit, { 'allow-pending': flag }),
            DELETE: change(commit, { ...token, force: flag }),
          },
          '/cluster/sdn/rollback': { POST: change(commit, release) },
        }
      : {}),
    '/cluster/sdn/zones': {
      GET: { user: 'all', parameters: { ...views, type: text } },
      POST: change(may('/sdn/zones', 'SDN.Allocate'), {
        ...{ zone, type: { type: 'string', enum: kinds }, nodes: text, mtu: whole, ipam: text },
        ...{ bridge: text, peers: text, tag: whole, controller: text, 'vrf-vxlan': whole },
        ...token,
      }),
    },
    '/cluster/sdn/zones/{zone}': {
      GET: { check: may('/sdn/zones/{zone}', 'SDN.Allocate'), parameters: { zone, ...views } },
      DELETE: change(may('/sdn/zones/{zone}', 'SDN.Allocate'), { zone, ...token }),
    },
    '/cluster/sdn/vnets': {
      GET: { user: 'all', parameters: views },
      POST: change(may('/sdn/zones/{zone}', 'SDN.Allocate'), {
        ...vnet,
        ...{ vnet: id, zone: { type: 'string' } },
      }),
    },
    '/cluster/sdn/vnets/{vnet}': {
      GET: { user: 'all', parameters: { vnet: id, ...views } },
      PUT: change(undefined, { ...vnet, vnet: id, zone: text, delete: text, digest: text }),
      DELETE: change(undefined, { vnet: id, ...token }),
    },
    '/nodes/{node}/sdn/zones': { GET: { user: 'all', proxyto: 'node', parameters: { node } } },
    '/nodes/{node}/sdn/zones/{zone}/content': { GET: ofZone(zone) },
    ...(is9 ? { '/nodes/{node}/sdn/zones/{zone}/bridges': { GET: ofZone(zone) } } : {}),
    '/nodes/{node}/network': {
      PUT: {
        ...{ check: may('/nodes/{node}', 'Sys.Modify'), protected: 1, proxyto: 'node' },
        parameters: { node },
      },
    },
  };
}

function ofZone(zone: Property): StoredMethod {
  return {
    ...{ check: may('/sdn/zones/{zone}', 'SDN.Audit'), proxyto: 'node' },
    parameters: { node, zone },
  };
}
