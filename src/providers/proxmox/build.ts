import { Failure } from '../../failure.ts';
import { path } from '../../kit/http/address.ts';
import type { SizedInstance } from '../../provider.ts';
import type { Blueprint } from './blueprint.ts';
import { isoOptions, rootStorage, sizeGb } from './iso.ts';
import type { Machine } from './machine.ts';
import { describe, markFor } from './ownership.ts';
import type { Rig } from './rig.ts';
import { checkMemory, checkStorage } from './room.ts';
import type { Survey } from './survey.ts';
import { run } from './tasks.ts';
import { findTemplate, isFullClone, storageOfCopy, type Template } from './template.ts';
import type { Config } from './wire.ts';

/** How the machine is made, decided and checked before anything is. */
export interface Build {
  readonly kind: 'clone' | 'iso';
  /** The nodes that the machine is on while and after it is made. */
  readonly places: readonly string[];
  /** Makes it with the mark in its description; `begun` gets the task. */
  make(vmid: number, begun: (task: string) => void): Promise<Machine>;
}

export async function planBuild(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: Survey,
): Promise<Build> {
  checkMemory(rig.settings, found, instance);
  return blueprint.template_type === 'iso'
    ? planIso(rig, instance, blueprint, found)
    : planClone(rig, instance, blueprint, found);
}

async function planClone(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: Survey,
): Promise<Build> {
  const template = await findTemplate(rig, found, blueprint.template_id ?? '');
  const { node } = rig.settings;
  const away = template.node !== node;
  if (away && !template.shared && !isFullClone(blueprint, template)) throw linksElsewhere(template);
  const copy = storageOfCopy(blueprint, template);
  if (copy !== undefined) checkStorage(rig.settings, found.storages, { ...copy, node });
  return {
    kind: 'clone',
    places: [...new Set([template.node, node])],
    async make(vmid, begun) {
      const { mark, description } = marked(rig, instance, vmid);
      await run(rig, {
        path: path`/nodes/${template.node}/qemu/${template.vmid}/clone`,
        params: {
          newid: vmid,
          name: nameFor(instance, blueprint),
          description,
          ...(rig.settings.pool === undefined ? {} : { pool: rig.settings.pool }),
          ...kindOfCopy(blueprint, template),
          ...(away && template.shared ? { target: node } : {}),
        },
        what: `copy template ${template.vmid} to machine ${vmid} on ${node}`,
        doing: `copying template ${template.vmid} to machine ${vmid}`,
        takenBack: true,
        begun,
      });
      if (away && !template.shared) await bringHome(rig, template.node, vmid, begun);
      // The copy has the template's options, so that it need not be read.
      return { vmid, node, mark, config: inherited(template.config) };
    },
  };
}

/** Disks on local storage are copied where they are and then moved as a whole. */
async function bringHome(
  rig: Rig,
  from: string,
  vmid: number,
  begun: (task: string) => void,
): Promise<void> {
  const { node: target } = rig.settings;
  await run(rig, {
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

function inherited(config: Config): Config {
  const { template: _template, digest: _digest, description: _description, ...rest } = config;
  return rest;
}

async function planIso(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: Survey,
): Promise<Build> {
  const { node, pool } = rig.settings;
  const storage = rootStorage(blueprint);
  const sizeBytes = sizeGb(blueprint) * 1024 ** 3;
  checkStorage(rig.settings, found.storages, { node, storage, sizeBytes });
  return {
    kind: 'iso',
    places: [node],
    async make(vmid, begun) {
      const { mark, description } = marked(rig, instance, vmid);
      const options = isoOptions(rig.settings, instance, blueprint);
      await run(rig, {
        path: path`/nodes/${node}/qemu`,
        params: {
          vmid,
          name: nameFor(instance, blueprint),
          description,
          ...options,
          ...(pool === undefined ? {} : { pool }),
        },
        what: `make machine ${vmid} on ${node}`,
        doing: `making the disk of machine ${vmid}`,
        takenBack: true,
        begun,
      });
      return { vmid, node, mark, config: { ...options, description } };
    },
  };
}

function marked(rig: Rig, instance: SizedInstance, vmid: number) {
  const mark = markFor(rig, instance, vmid, { state: 'building', origin: 'created' });
  return { mark, description: describe(rig, mark) };
}

/** Proxmox VE takes DNS names only; the mark keeps the instance's own. */
export function nameFor({ name }: SizedInstance, { vm_name }: Blueprint): string {
  if (vm_name !== undefined) return vm_name;
  const labels = name.split('.').map((label) =>
    label
      .replace(/[^A-Za-z0-9-]/g, '-')
      .slice(0, 63)
      .replace(/^-+|-+$/g, ''),
  );
  return labels.filter((label) => label !== '').join('.') || 'instance';
}
