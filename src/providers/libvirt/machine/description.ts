import { randomBytes } from 'node:crypto';
import type { SizedInstance } from '../../../contract/instance.ts';
import { node, type XmlNode } from '../../../kit/xml/tree.ts';
import type { Blueprint, Settings } from '../settings.ts';
import { cdromElement, type DiskFile, discBus, diskElement, type Slot } from './drive-elements.ts';
import { sizeElements } from './hardware.ts';
import { nicElement } from './nics.ts';

export interface Drafted {
  readonly name: string;
  readonly kind: 'kvm' | 'qemu';
  readonly metadata: readonly XmlNode[];
  readonly disk: DiskFile;
  readonly iso: DiskFile | undefined;
}

/** The description of a new domain, whose UUID is the instance's. */
export function describeNew(
  drafted: Drafted,
  instance: SizedInstance,
  { secure_boot }: Pick<Blueprint, 'secure_boot'>,
  settings: Settings,
): XmlNode {
  const { name, kind, metadata, iso } = drafted;
  return node(
    'domain',
    { type: kind },
    node('name', {}, name),
    node('uuid', {}, instance.uuid),
    node('metadata', {}, ...metadata),
    ...sizeElements(instance),
    ...firmware(instance, secure_boot, settings, iso !== undefined),
    ...(kind === 'kvm' ? [node('cpu', { mode: settings.cpu_mode })] : []),
    node('clock', { offset: 'utc' }),
    node('on_poweroff', {}, 'destroy'),
    node('on_reboot', {}, 'restart'),
    node('on_crash', {}, 'destroy'),
    devices(drafted, instance, settings),
  );
}

export function archOf({ arch }: Pick<SizedInstance, 'arch'>): string {
  return arch === undefined || arch === 'amd64' ? 'x86_64' : arch;
}

/** Secure Boot of an x86 machine wants SMM, behind which its variables are out of the guest's reach. */
function firmware(
  instance: SizedInstance,
  chosen: boolean | undefined,
  { machine_type }: Settings,
  hasIso: boolean,
): readonly XmlNode[] {
  const { boot } = instance;
  const secure = chosen ?? boot?.secure ?? false;
  const isUefi = secure || boot?.firmware === 'uefi';
  const arch = archOf(instance);
  const enabled = secure ? 'yes' : 'no';
  const isX86 = arch === 'x86_64' || arch === 'i686';
  return [
    node(
      'os',
      isUefi ? { firmware: 'efi' } : {},
      node('type', { arch, machine: machine_type }, 'hvm'),
      isUefi
        ? node(
            'firmware',
            {},
            node('feature', { enabled, name: 'secure-boot' }),
            ...(secure ? [node('feature', { enabled, name: 'enrolled-keys' })] : []),
          )
        : undefined,
      node('boot', { dev: 'hd' }),
      ...(hasIso ? [node('boot', { dev: 'cdrom' })] : []),
    ),
    node(
      'features',
      {},
      node('acpi'),
      ...(isX86 ? [node('apic')] : []),
      ...(secure && isX86 ? [node('smm', { state: 'on' })] : []),
    ),
  ];
}

/** The newer chip set takes devices into a running guest only where ports were left free for them. */
const portCount = 16;

function rootPorts({ machine_type }: Settings): readonly XmlNode[] {
  if (discBus(machine_type) === 'ide') return [];
  const ports = Array.from({ length: portCount }, (_, port) => ({
    index: port + 1,
    model: 'pcie-root-port',
  }));
  return [{ index: 0, model: 'pcie-root' }, ...ports].map((each) =>
    node('controller', { type: 'pci', ...each }),
  );
}

function devices({ disk, iso }: Drafted, instance: SizedInstance, settings: Settings): XmlNode {
  const { disk_bus: bus, vnc_listen } = settings;
  return node(
    'devices',
    {},
    diskElement(disk, { bus, dev: bus === 'virtio' ? 'vda' : 'sda' }),
    ...(bus === 'scsi' ? [node('controller', { type: 'scsi', model: 'virtio-scsi' })] : []),
    ...rootPorts(settings),
    cdromElement(iso, discPlace(settings)),
    ...instance.nics.map((nic) => nicElement(nic, settings)),
    node(
      'channel',
      { type: 'unix' },
      node('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }),
    ),
    node('serial', { type: 'pty' }),
    screenElement(vnc_listen, randomPassword(), new Date(0)),
    node('video', {}, node('model', { type: 'vga' })),
    node('rng', { model: 'virtio' }, node('backend', { model: 'random' }, '/dev/urandom')),
  );
}

function discPlace({ machine_type }: Settings): Slot {
  const bus = discBus(machine_type);
  return { bus, dev: bus === 'ide' ? 'hdc' : 'sdc' };
}

/** A random password that has run out opens the screen for no client: `console` sets a new one. */
export function screenElement(listen: string, passwd: string, until: Date): XmlNode {
  const passwdValidTo = until.toISOString().slice(0, 19);
  return node('graphics', { type: 'vnc', autoport: 'yes', listen, passwd, passwdValidTo });
}

/** VNC looks at eight characters. */
export function randomPassword(): string {
  return randomBytes(6).toString('base64url');
}
