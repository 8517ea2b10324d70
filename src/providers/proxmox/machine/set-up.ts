import type { Undo } from '../../../contract/context.ts';
import type { Address, Nic, SizedInstance } from '../../../contract/instance.ts';
import { type Config, flagOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { type Change, differing, formOf, hardwareChange, writeConfig } from './config.ts';
import { growDisk, isCloudInit, rootDisk } from './disks.ts';
import type { Machine } from './machine.ts';
import type { Session } from './session.ts';

export interface SettingUp {
  readonly instance: SizedInstance;
  readonly blueprint: Blueprint;
  readonly machine: Machine;
}

/** Makes the instance's machine of a copy: root disk, hardware and options. */
export async function setUp(
  session: Session,
  { instance, blueprint, machine }: SettingUp,
  undo: Undo,
): Promise<Machine> {
  await growDisk(session, machine, blueprint.disk_size_gb, { undo });
  const change = newChange(session.settings, instance, machine.config);
  await writeConfig(session, machine, formOf(change), `set machine ${machine.vmid} up`);
  const kept = Object.entries(machine.config).filter(([option]) => !change.remove.includes(option));
  return { ...machine, config: { ...Object.fromEntries(kept), ...change.set } };
}

/** The change that a fresh copy needs; options that only the template asked for are taken away. */
export function newChange(settings: Settings, instance: SizedInstance, config: Config): Change {
  const { cpu_type, onboot, guest_agent, machine: type } = settings;
  const hardware = hardwareChange(settings, instance, config);
  const wanted = differing(
    { onboot: '0', ...config },
    {
      onboot: onboot ? '1' : '0',
      ...(cpu_type === undefined ? {} : { cpu: cpu_type }),
      ...(type === undefined ? {} : { machine: type }),
      ...(guest_agent === undefined ? {} : { agent: guest_agent ? '1' : '0' }),
      ...cloudInitFor(settings, instance, config),
    },
  );
  const inherited = flagOf(config['protection']) ? ['protection'] : [];
  return {
    set: { ...hardware.set, ...wanted.set },
    remove: [...hardware.remove, ...inherited],
  };
}

// ---- cloud-init ----

/** The facts about the instance for cloud-init, and the drive that carries them. */
export function cloudInitFor(
  settings: Settings,
  instance: SizedInstance,
  config: Config,
): Readonly<Record<string, string>> {
  const { cloud_init: kind, cloud_init_user, cloud_init_snippets } = settings;
  if (kind === 'off') return {};
  const { sshPublicKey, nics } = instance;
  return {
    ...driveFor(config),
    ...(cloud_init_user === undefined ? {} : { ciuser: cloud_init_user }),
    ...(cloud_init_snippets === undefined ? {} : { cicustom: cloud_init_snippets }),
    // Encoded here once, and once more with the form: the API wants it so.
    ...(sshPublicKey === undefined ? {} : { sshkeys: encodeURIComponent(sshPublicKey.trim()) }),
    ...Object.fromEntries(
      nics.map((nic) => [`ipconfig${nic.deviceId}`, kind === 'dhcp' ? 'ip=dhcp' : staticFor(nic)]),
    ),
    ...serversFor(nics),
  };
}

/** Templates mostly bring one; else a free place on the IDE bus gets it. */
function driveFor(config: Config): Readonly<Record<string, string>> {
  if (Object.values(config).some(isCloudInit)) return {};
  const place = ['ide2', 'ide0', 'ide1', 'ide3'].find((key) => config[key] === undefined);
  const storage = rootDisk(config)?.storage;
  return place === undefined || storage === undefined ? {} : { [place]: `${storage}:cloudinit` };
}

function staticFor({ ipv4, ipv6, isDefault }: Nic): string {
  const parts = [...part('ip', 'gw', ipv4, isDefault), ...part('ip6', 'gw6', ipv6, isDefault)];
  return parts.length === 0 ? 'ip=dhcp' : parts.join(',');
}

/** One default route is enough: only the default NIC names its gateway. */
function part(
  ip: string,
  gw: string,
  address: Address | undefined,
  isDefault: boolean,
): readonly string[] {
  if (address === undefined) return [];
  const bits = prefixOf(address);
  if (bits === undefined) return [];
  const gateway = isDefault && address.gateway !== undefined ? [`${gw}=${address.gateway}`] : [];
  return [`${ip}=${address.address}/${bits}`, ...gateway];
}

function prefixOf({ netmask, cidr }: Address): number | undefined {
  const ofCidr = Number(cidr?.split('/')[1]);
  if (Number.isInteger(ofCidr)) return ofCidr;
  if (netmask === undefined) return undefined;
  const bits = netmask
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) && bits.length === 32 ? bits.replace(/0/g, '').length : undefined;
}

function serversFor(nics: readonly Nic[]): Readonly<Record<string, string>> {
  const nic = nics.find(({ isDefault }) => isDefault);
  const servers = [...(nic?.ipv4?.dns ?? []), ...(nic?.ipv6?.dns ?? [])];
  return servers.length === 0 ? {} : { nameserver: [...new Set(servers)].join(' ') };
}
