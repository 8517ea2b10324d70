import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { type Config, flagOf, type Row } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { ClusterResources } from './capacity.ts';
import { rootDisk } from './disks.ts';
import { readConfig } from './read.ts';
import type { Session } from './session.ts';

/** The machine that is copied and how. */
export interface Template {
  readonly vmid: number;
  readonly node: string;
  readonly config: Config;
  readonly isTemplate: boolean;
  /** Its disks are where every node reaches them. */
  readonly shared: boolean;
}

/** The template that the blueprint names for a node, wherever in the cluster it is. */
export async function findTemplate(
  session: Session,
  { machines, storages }: ClusterResources,
  wanted: string,
  node = session.settings.node,
): Promise<Template> {
  const name = forNode(wanted, node);
  const row = pick(machines, name, node);
  const config = await readConfig(session, row);
  const isTemplate = flagOf(config['template']);
  if (!isTemplate && session.settings.allowed_templates === undefined) {
    throw unavailable(`${name} is a machine and no template`);
  }
  const places = new Set(disksIn(config));
  const shared = [...places].every(
    (storage) => storages.find((each) => each.storage === storage)?.shared === true,
  );
  return { vmid: row.vmid, node: row.node, config, isTemplate, shared };
}

/** The machine that is meant on a node, as the cluster's list has it. */
export function rowFor(machines: readonly Row[], wanted: string, node: string): Row {
  return pick(machines, forNode(wanted, node), node);
}

/** `pve1=9000,pve2=9001` has one for each node, anything else is meant for all. */
export function forNode(wanted: string, node: string): string {
  if (!wanted.includes('=')) return wanted;
  const entries = wanted.split(',').map((entry) => entry.split('=').map((part) => part.trim()));
  const found = entries.find(([name]) => name === node)?.[1];
  if (found !== undefined && found !== '') return found;
  throw new Failure('config', `template_id names no template for node ${node}: ${wanted}`);
}

/** By id, else by name: of several with one name the one on the node itself. */
function pick(machines: readonly Row[], name: string, node: string): Row {
  if (/^\d+$/.test(name)) {
    const row = machines.find(({ vmid }) => vmid === Number(name));
    if (row !== undefined) return row;
    throw unavailable(`there is no template ${name} that the API token sees`);
  }
  const named = machines.filter((row) => row.template && row.name === name);
  const here = named.filter((row) => row.node === node);
  const [row, second] = here.length > 0 ? here : named;
  if (row === undefined) throw unavailable(`there is no template of the name ${name}`);
  if (second !== undefined) {
    throw unavailable(`there are several templates of the name ${name}: name it by its id`);
  }
  return row;
}

/** A copy has the firmware of its template, and the disk was installed for that one. */
export function checkFirmware({ vmid, config }: Template, { boot }: SizedInstance): void {
  if (boot?.firmware !== 'uefi' || firmwareOf(config) === 'ovmf') return;
  const sentence = 'The instance is to boot with UEFI, and its template has a BIOS';
  throw new Failure('config', `${sentence} (template ${vmid}, bios: ${firmwareOf(config)})`, {
    advice: 'Choose a template with bios: ovmf, or deploy the instance with boot type BIOS',
    tenant: sentence,
  });
}

export function firmwareOf({ bios = 'seabios' }: Config): string {
  return bios;
}

function unavailable(why: string): Failure {
  return new Failure('denied', `Cannot use the template: ${why}`, {
    advice: 'Check template_id, and that the token has VM.Audit and VM.Clone on it',
    tenant: 'The chosen template is not available',
  });
}

function disksIn(config: Config): readonly string[] {
  const values = Object.entries(config).filter(([key]) =>
    /^(scsi|virtio|sata|ide|efidisk|tpmstate)\d+$/.test(key),
  );
  return values.flatMap(([, value]) => {
    const storage = /^([A-Za-z][A-Za-z0-9._-]*):/.exec(value)?.[1];
    return storage === undefined ? [] : [storage];
  });
}

/** Whether the whole disk is copied. Ordinary machines can only be copied so. */
export function isFullClone(
  { is_full_clone }: Pick<Blueprint, 'is_full_clone'>,
  { isTemplate }: Template,
): boolean {
  return is_full_clone || !isTemplate;
}

/** The storage that the copy's root disk will be on, and its size there: a linked one is empty at first. */
export function storageOfCopy(
  blueprint: Blueprint,
  template: Template,
): { readonly storage: string; readonly sizeBytes: number } | undefined {
  const disk = rootDisk(template.config);
  if (disk === undefined) return undefined;
  if (!isFullClone(blueprint, template)) return { storage: disk.storage, sizeBytes: 0 };
  const { storage = disk.storage, disk_size_gb: sizeGb = 0 } = blueprint;
  return { storage, sizeBytes: Math.max(disk.sizeBytes, sizeGb * 1024 ** 3) };
}
