import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import type { Config } from '../api/wire.ts';
import { bytesOf, disksOf, isCloudInit, rootDisk } from '../machine/disks.ts';
import { growDisk } from '../machine/grow-disk.ts';
import { readConfig } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';
import { writeConfig } from '../machine/write-config.ts';
import { takeBuilt } from './handlers.ts';
import { refused } from './snapshots.ts';

export async function resizeDisk(
  session: Session,
  instance: Instance,
  { size_gb, disk: key }: { readonly size_gb: number; readonly disk: string | undefined },
): Promise<Outcome> {
  const machine = await takeBuilt(session, instance);
  const disk =
    key === undefined
      ? rootDisk(machine.config)
      : disksOf(machine.config).find((each) => each.key === key);
  if (disk === undefined) throw refused('not-found', `There is no disk ${key ?? 'to boot from'}`);
  if (bytesOf(`${size_gb}G`) < disk.sizeBytes) {
    const has = Math.ceil(disk.sizeBytes / 1024 ** 3);
    throw refused('usage', `Disk ${disk.key} has ${has} GiB already, and none can be made smaller`);
  }
  await growDisk(session, machine, size_gb, { disk });
  return { message: `Disk ${disk.key} has ${size_gb} GiB now` };
}

export async function attachIso(
  session: Session,
  instance: Instance,
  iso: string,
): Promise<Outcome> {
  const machine = await takeBuilt(session, instance);
  const place = cdKey(machine.config) ?? freeIde(machine.config);
  if (place === undefined) throw refused('conflict', 'The instance has no room for a CD drive');
  const what = `put ${iso} into machine ${machine.vmid}`;
  await writeConfig(session, machine, { [place]: `${iso},media=cdrom` }, what);
  // A drive that is new to a running machine is only plugged in by its next start.
  const now = await readConfig(session, machine, { current: true });
  const later = now[place]?.startsWith(iso) === true ? '' : ' after the next start';
  return { message: `The image is in drive ${place}${later}` };
}

export async function detachIso(session: Session, instance: Instance): Promise<Outcome> {
  const machine = await takeBuilt(session, instance);
  const drive = cdKey(machine.config);
  if (drive === undefined || machine.config[drive]?.startsWith('none') === true) {
    return { message: 'There was no image in the drive' };
  }
  const what = `empty the drive of machine ${machine.vmid}`;
  await writeConfig(session, machine, { [drive]: 'none,media=cdrom' }, what);
  return { message: `Drive ${drive} is empty` };
}

function cdKey(config: Config): string | undefined {
  return Object.keys(config)
    .sort()
    .find((key) => {
      const value = config[key] ?? '';
      return /^(ide|sata|scsi)\d+$/.test(key) && /media=cdrom/.test(value) && !isCloudInit(value);
    });
}

function freeIde(config: Config): string | undefined {
  return ['ide2', 'ide0', 'ide1', 'ide3'].find((key) => config[key] === undefined);
}
