import type { Call } from './call.ts';
import { isDrive } from './drives.ts';
import { die } from './errors.ts';
import { parseNet } from './property-string.ts';
import { demand, demandForVm } from './rights.ts';
import type { State } from './state.ts';

/** The VM a check is about; a pool's rights count while the VM is being made in it. */
export interface Subject {
  readonly vmid: number;
  readonly pool?: string | undefined;
}

const groups: readonly (readonly [RegExp, readonly string[], boolean?])[] = [
  [/^(cores|cpu|cpulimit|cpuunits|numa\d*|smp|sockets|vcpus|affinity)$/, ['VM.Config.CPU']],
  [/^(memory|balloon|shares|hugepages|allow-ksm)$/, ['VM.Config.Memory']],
  [
    /^(acpi|hotplug|kvm|machine|scsihw|smbios1|tablet|vga|watchdog|audio0|arch|rng0|vmgenid)$/,
    ['VM.Config.HWType'],
  ],
  [
    /^(agent|autostart|bios|description|keyboard|localtime|migrate_\w+|name|onboot|ostype|protection|reboot|startdate|startup|tdf|template|hookscript|spice_enhancements)$/,
    ['VM.Config.Options'],
  ],
  [/^freeze$/, ['VM.PowerMgmt']],
  [/^(boot|bootdisk|vmstatestorage)$/, ['VM.Config.Disk']],
  [/^net\d+$/, ['VM.Config.Network']],
  [
    /^(ci\w+|nameserver|searchdomain|sshkeys|ipconfig\d+)$/,
    ['VM.Config.Cloudinit', 'VM.Config.Network'],
    true,
  ],
  [/^vmstate$/, ['VM.Config.Disk', 'VM.PowerMgmt']],
];

/** Which options a caller may set or remove; some only root may. */
export function demandOptions(call: Call, subject: Subject, options: readonly string[]): void {
  const { state, caller } = call;
  if (caller.id === 'root@pam') return;
  for (const option of options) {
    if (isDrive(option) || /^(cdrom|tags|(unused|serial|usb|hostpci)\d+)$/.test(option)) continue;
    const group = groups.find(([pattern]) => pattern.test(option));
    if (group === undefined) die(`only root can set '${option}' config`);
    demandForVm(state, caller, subject, group[1], group[2]);
    if (option === 'startup') demand(state, caller, '/', ['Sys.Modify']);
  }
}

/** Devices of the host itself are for root alone. */
export function demandDevices(
  { state, caller }: Call,
  subject: Subject,
  params: Readonly<Record<string, string>>,
  verb: 'set' | 'modify',
): void {
  if (caller.id === 'root@pam') return;
  for (const [option, value] of Object.entries(params)) {
    const [, kind] = /^(serial|usb|hostpci)\d+$/.exec(option) ?? [];
    if (kind === undefined) continue;
    if (kind === 'serial' && value !== 'socket') {
      die(`only root can ${verb} '${option}' config for real devices`);
    }
    if (kind === 'hostpci' && !value.includes('mapping=')) {
      die(`only root can set '${option}' config for non-mapped devices`);
    }
    if (kind === 'usb' && !/mapping=|^(host=)?spice/i.test(value)) {
      die(`only root can set '${option}' config for real devices`);
    }
    demandForVm(state, caller, subject, ['VM.Config.HWType']);
  }
}

/** The NICs as they are now of those that are to be changed or removed: the right on their bridge counts too. */
export function oldNets(
  { vms }: State,
  vmid: number,
  options: readonly string[],
): Readonly<Record<string, string>> {
  const config = vms.get(vmid)?.config;
  return Object.fromEntries(
    options.flatMap((option) => {
      const value = /^net\d+$/.test(option) ? config?.get(option) : undefined;
      return value === undefined ? [] : [[option, value]];
    }),
  );
}

/** SDN.Use on the bridge or vnet of every NIC, by VLAN where one is given. */
export function demandBridges(call: Call, nets: Readonly<Record<string, string>>): void {
  const { state, caller } = call;
  if (caller.id === 'root@pam') return;
  for (const [option, value] of Object.entries(nets)) {
    const { bridge, tag } = /^net\d+$/.test(option) ? parseNet(value) : {};
    if (bridge === undefined) continue;
    const zone = state.vnets.get(bridge)?.['zone'] ?? 'localnetwork';
    const place = `/sdn/zones/${zone}/${bridge}`;
    demand(state, caller, tag === undefined ? place : `${place}/${tag}`, ['SDN.Use']);
  }
}
