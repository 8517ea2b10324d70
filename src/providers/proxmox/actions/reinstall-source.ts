import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type Config, listOf, recordOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { sizeGb } from '../machine/build.ts';
import { checkStorage, readClusterResources } from '../machine/capacity.ts';
import { cdDrive, type Disk, formatOn, freeIde, rootDisk } from '../machine/disks.ts';
import type { Machine } from '../machine/machine.ts';
import type { Session } from '../machine/session.ts';
import { findTemplate, firmwareOf, type Template } from '../machine/template.ts';

const gib = 1024 ** 3;

/**
 * The source of a machine's new root disk, as options of the machine. Everything that can be wrong with
 * it is looked at here, while the machine still runs on its old one.
 */
export async function sourceOf(
  session: Session,
  blueprint: Blueprint,
  { machine, old }: { readonly machine: Machine; readonly old: Disk },
): Promise<Config> {
  const found = await readClusterResources(session);
  const { storage } = old;
  const fits = (sizeBytes: number): void =>
    checkStorage(session.settings, found.storages, { node: machine.node, storage, sizeBytes });
  const format = formatOn(session.settings, found.storages, storage);
  const as = format === undefined ? '' : `,format=${format}`;
  if (blueprint.template_type === 'iso') {
    const size = Math.max(sizeGb(blueprint), Math.ceil(old.sizeBytes / gib));
    fits(size * gib);
    return {
      [old.key]: `${storage}:${size}${as}`,
      ...(await driveFor(session, machine, blueprint, old)),
    };
  }
  const wanted = blueprint.template_id ?? '';
  const template = await findTemplate(session, found, wanted, machine.node);
  const disk = await diskIn(session, template, machine);
  fits(Math.max(old.sizeBytes, disk.sizeBytes));
  return { [old.key]: `${storage}:0,import-from=${disk.volume}${as}` };
}

// ---- an image ----

/** The image in the CD drive of the machine, or in a new one, and the order to boot from both. */
async function driveFor(
  session: Session,
  machine: Machine,
  { iso_path: image = '' }: Blueprint,
  old: Disk,
): Promise<Config> {
  const drive = cdDrive(machine.config) ?? freeIde(machine.config);
  if (drive === undefined) {
    const sentence = 'The instance has no free place for a CD drive';
    throw new Failure('conflict', sentence, { tenant: sentence });
  }
  await proveImage(session, machine, image);
  return { [drive]: `${image},media=cdrom`, boot: `order=${old.key};${drive}` };
}

async function proveImage({ api }: Session, { node }: Machine, image: string): Promise<void> {
  const [storage = ''] = image.split(':');
  const ask = { what: `look for the image ${image}`, query: { content: 'iso' } };
  const images = listOf(await api.get(path`/nodes/${node}/storage/${storage}/content`, ask));
  if (images.some((entry) => recordOf(entry)['volid'] === image)) return;
  throw new Failure('config', `There is no image ${image} on node ${node}`, {
    advice: 'Check iso_path; the machine goes on as it was',
    tenant: 'The chosen image is not available',
  });
}

// ---- a template ----

/** The template's root disk, if the machine can copy it from its node and boot from it. */
async function diskIn(session: Session, template: Template, machine: Machine): Promise<Disk> {
  const { vmid, node, config } = template;
  const disk = rootDisk(config);
  if (disk === undefined) throw unusable(template, 'it has no disk to copy');
  if (node !== machine.node && !template.shared) {
    throw unusable(template, `its disk is on ${node} alone, and the machine is on ${machine.node}`);
  }
  const [its, own] = [firmwareOf(config), firmwareOf(machine.config)];
  if (its !== own) throw unusable(template, `its firmware is ${its}, and the machine's is ${own}`);
  const place = `/vms/${vmid}`;
  const ask = { what: `read the rights on template ${vmid}`, query: { path: place } };
  const rights = recordOf(recordOf(await session.api.get('/access/permissions', ask))[place]);
  if (rights['VM.Clone'] === undefined) {
    throw unusable(template, `the API token lacks VM.Clone on ${place}`);
  }
  return disk;
}

function unusable({ vmid }: Template, why: string): Failure {
  return new Failure('config', `Template ${vmid} cannot give the machine a new disk: ${why}`, {
    advice: 'Choose another template, or mend this; the machine goes on as it was',
    tenant: 'The chosen template does not fit this instance',
  });
}
