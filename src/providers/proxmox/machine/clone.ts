import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { run } from '../api/tasks.ts';
import type { Config } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Settings } from '../settings.ts';
import { type Build, nameFor } from './build.ts';
import { type ClusterResources, checkStorage } from './capacity.ts';
import { formatOn, rootDisk } from './disks.ts';
import type { Session } from './session.ts';
import {
  checkFirmware,
  findTemplate,
  isFullClone,
  storageOfCopy,
  type Template,
} from './template.ts';

/** A copy of a template, linked or whole, from whichever node has it. */
export async function planClone(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: ClusterResources,
): Promise<Build> {
  const template = await findTemplate(session, found, blueprint.template_id ?? '');
  checkFirmware(template, instance);
  const { node } = session.settings;
  const away = template.node !== node;
  if (away && !template.shared && !isFullClone(blueprint, template)) throw linksElsewhere(template);
  const copy = storageOfCopy(blueprint, template);
  if (copy !== undefined) checkStorage(session.settings, found.storages, { ...copy, node });
  return {
    kind: 'clone',
    places: [...new Set([template.node, node])],
    async make({ vmid, description }, begun) {
      await run(session, {
        path: path`/nodes/${template.node}/qemu/${template.vmid}/clone`,
        params: {
          newid: vmid,
          name: nameFor(instance, blueprint),
          description,
          ...(session.settings.pool === undefined ? {} : { pool: session.settings.pool }),
          ...kindOfCopy(blueprint, template),
          ...formatOfCopy(session.settings, blueprint, template, found),
          ...(away && template.shared ? { target: node } : {}),
        },
        what: `copy template ${template.vmid} to machine ${vmid} on ${node}`,
        doing: `copying template ${template.vmid} to machine ${vmid}`,
        takenBack: true,
        begun,
      });
      if (away && !template.shared) await bringHome(session, template.node, vmid, begun);
      return inherited(template.config, copy?.storage);
    },
  };
}

/** Disks on local storage are copied where they are and then moved as a whole. */
async function bringHome(
  session: Session,
  from: string,
  vmid: number,
  begun: (task: string) => void,
): Promise<void> {
  const { node: target } = session.settings;
  await run(session, {
    path: path`/nodes/${from}/qemu/${vmid}/migrate`,
    params: { target, 'with-local-disks': 1 },
    what: `move machine ${vmid} from ${from} to ${target}`,
    doing: `moving machine ${vmid} to ${target}`,
    takenBack: true,
    begun,
  });
}

function linksElsewhere({ vmid, node }: Template): Failure {
  return new Failure(
    'config',
    `Template ${vmid} can only be linked to on ${node}, where its disks are`,
    {
      advice:
        'Give a template for each node (template_id=pve1=9000,pve2=9001), or set is_full_clone to true',
    },
  );
}

function kindOfCopy(
  blueprint: Blueprint,
  template: Template,
): Readonly<Record<string, string | number>> {
  if (!isFullClone(blueprint, template)) return { full: 0 };
  const { storage } = blueprint;
  return { full: 1, ...(storage === undefined ? {} : { storage }) };
}

/**
 * A whole copy of a raw disk stays raw, and cannot be snapshotted where disks are files. The state of a
 * TPM is always raw, so that a template with one is left as it is.
 */
function formatOfCopy(
  settings: Settings,
  blueprint: Blueprint,
  template: Template,
  { storages }: ClusterResources,
): Readonly<Record<string, string>> {
  const disk = rootDisk(template.config);
  if (disk === undefined || !isFullClone(blueprint, template)) return {};
  const format = formatOn(settings, storages, blueprint.storage ?? disk.storage);
  const isRaw = !/\.(qcow2|vmdk)$/.test(disk.volume);
  const hasTpm = template.config['tpmstate0'] !== undefined;
  return format === 'qcow2' && isRaw && !hasTpm ? { format } : {};
}

/** The copy has the template's options, so that it need not be read; only its disk may be elsewhere. */
function inherited(config: Config, storage = ''): Config {
  const { template: _template, digest: _digest, description: _description, ...rest } = config;
  const disk = rootDisk(config);
  if (disk === undefined) return rest;
  return { ...rest, [disk.key]: `${config[disk.key]}`.replace(/^[^:]+/, storage) };
}
