import type { Call, Routes } from './call.ts';
import { badParameters } from './errors.ts';
import { memoryUsed, nodeResource } from './resources.ts';
import { may } from './rights.ts';
import { versionOf } from './routes-cluster.ts';
import { vnetsInForce } from './sdn-apply.ts';
import type { Node } from './state.ts';

export const nodeRoutes: Routes = {
  'GET /nodes': (call) =>
    [...call.state.nodes.values()].map((node) => ({
      ...nodeResource(call, node),
      ssl_fingerprint: node.fingerprint,
    })),
  'GET /nodes/{node}': () =>
    ['network', 'qemu', 'status', 'storage', 'tasks', 'time', 'version', 'vzdump'].map((name) => ({
      name,
    })),
  'GET /nodes/{node}/version': ({ state }) => versionOf(state),
  'GET /nodes/{node}/status': nodeStatus,
  'GET /nodes/{node}/time': ({ node }) => {
    const time = Math.floor(Date.now() / 1000) + node.clockSkew;
    return { time, localtime: time, timezone: 'Etc/UTC' };
  },
  'GET /nodes/{node}/certificates/info': ({ node }) => [certificate(node)],
  'GET /nodes/{node}/capabilities/qemu/machines': () =>
    ['q35', 'i440fx'].map((type) => ({ id: `pc-${type}-7.2`, type, version: '7.2' })),
  'GET /nodes/{node}/network': networks,
  'GET /nodes/{node}/network/{iface}': ({ node, params }) => {
    const found = node.bridges.get(params['iface'] ?? '');
    if (found === undefined) badParameters({ iface: 'interface does not exist' });
    const { iface: _iface, ...rest } = found ?? {};
    return rest;
  },
};

function nodeStatus({ state, node }: Call): object {
  const used = memoryUsed(state, node);
  const memory = { total: node.totalMemory, used, free: node.totalMemory - used };
  return {
    ...{ memory: { ...memory, available: node.totalMemory - used }, cpu: 0.05, wait: 0 },
    cpuinfo: { cpus: node.cpus, cores: node.cpus, sockets: 1, model: 'QEMU', mhz: '2400.000' },
    rootfs: { total: 270_553_174_016, used: 36_424_159_232, avail: 72_520_126_464 },
    swap: { total: 0, used: 0, free: 0 },
    uptime: Math.floor((state.clock.now() - node.startedAt) / 1000) + 2700,
    loadavg: ['0.10', '0.08', '0.05'],
    pveversion: `pve-manager/${versionOf(state)['version']}/${versionOf(state)['repoid']}`,
    'boot-info': { mode: 'efi', secureboot: 0 },
    ksm: { shared: 0 },
    idle: 0,
  };
}

function certificate(node: Node): object {
  return {
    ...{ filename: 'pve-ssl.pem', fingerprint: node.fingerprint, pem: node.certificate },
    subject: `/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN=${node.name}`,
    issuer: '/CN=Proxmox Virtual Environment/O=PVE Cluster Manager CA',
    notbefore: Math.floor(Date.now() / 1000) - 86_400,
    notafter: Math.floor(Date.now() / 1000) + 700 * 86_400,
    'public-key-type': 'rsaEncryption',
    'public-key-bits': 2048,
    san: ['127.0.0.1', '::1', 'localhost', node.ip, node.name],
  };
}

/** Bridges and vnets are shown by the right on each alone; rights on the node do not count. */
function networks({ state, caller, node, params }: Call): object[] {
  const wanted = params['type'];
  const eth = { iface: 'eth0', type: 'eth', active: 1, exists: 1, method: 'manual', priority: 3 };
  // Made from the configuration in force: `active` does not prove that the bridge is there.
  const vnets = vnetsInForce(state, node).map(({ vnet: iface, vlanaware = '0' }) => ({
    ...{ iface, type: 'vnet', active: '1', ipam: 0, comments: null },
    vlanaware: Number(vlanaware),
  }));
  const all = [eth, ...node.bridges.values(), ...vnets] as Record<string, unknown>[];
  const seen = may(state, caller, `/nodes/${node.name}`, ['Sys.Audit', 'Sys.Modify'], true);
  const fits = ({ iface, type }: Record<string, unknown>): boolean => {
    const bridge = type === 'bridge' || type === 'vnet';
    if (bridge ? !mayUse(String(iface)) : !seen) return false;
    if (wanted === undefined) return type !== 'vnet';
    if (wanted === 'any_bridge') return bridge;
    if (wanted === 'any_local_bridge') return type === 'bridge';
    return wanted === 'include_sdn' || type === wanted;
  };
  /** A right on one of its VLANs shows a bridge as well. */
  const mayUse = (iface: string): boolean => {
    const zone = state.vnets.get(iface)?.['zone'] ?? 'localnetwork';
    const own = `/sdn/zones/${zone}/${iface}`;
    const below = state.acl.map(({ path }) => path).filter((path) => path.startsWith(`${own}/`));
    return [own, ...below].some((path) => may(state, caller, path, ['SDN.Audit', 'SDN.Use'], true));
  };
  return all.filter(fits);
}
