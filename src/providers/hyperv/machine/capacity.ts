import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import * as inspecting from '../api/commands/inspecting.ts';
import { baseName } from '../api/paths.ts';
import type { HostResources } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { diskType, generationOf, gib, tooSmall } from '../blueprint.ts';
import { switchOf } from './hardware.ts';
import { ask, type Session } from './session.ts';

/** Asks the host about everything that a new disk or machine needs. */
export function resourcesFor(session: Session, blueprint: Blueprint): Promise<HostResources> {
  const { template_type, template_path = '', iso_path = '' } = blueprint;
  const isIso = template_type === 'iso';
  const given = {
    folder: session.settings.vhd_path,
    template: isIso ? '' : template_path,
    iso: isIso ? iso_path : '',
  };
  const paths = [given.template, given.iso, given.folder];
  return ask(session, inspecting.resources, given, { paths });
}

/** Fails while nothing has been made yet when a part is missing or too little is free. */
export function checkCapacity(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
  resources: HostResources,
): void {
  checkParts(session, blueprint, resources);
  checkSwitches(session, instance, resources);
  checkMemory(session, instance, resources);
  checkFormat(generationOf(instance, blueprint), blueprint);
}

export function checkFormat(generation: number, blueprint: Blueprint): void {
  if (generation !== 2 || diskType(blueprint) !== 'vhd') return;
  throw new Failure('config', `Generation 2 cannot start from ${blueprint.template_path}`, {
    advice: 'Convert the template (Convert-VHD), or choose another one',
    tenant: 'The chosen template does not fit the firmware of this instance',
  });
}

/** Template or image, and the space that the disk will take. */
export function checkParts(
  { settings }: Session,
  blueprint: Blueprint,
  resources: HostResources,
): void {
  const { template_path = '', iso_path = '', vhd_size_gb } = blueprint;
  const { folder, template, users, iso, freeBytes } = resources;
  if (!folder) {
    throw new Failure('config', `There is no folder ${settings.vhd_path} on the host`, {
      advice: 'Make it there, or change vhd_path',
    });
  }
  if (!iso) throw noFile('ISO image', iso_path);
  if (blueprint.template_type === 'template') {
    if (template === null) throw noFile('template', template_path);
    if (users.length > 0 || isInstanceDisk(template_path)) throw notTemplate(template_path, users);
    if (vhd_size_gb !== undefined && vhd_size_gb * gib < template.size) {
      throw tooSmall(vhd_size_gb, template.size);
    }
  }
  const copied = blueprint.is_full_clone ? (template?.fileSize ?? 0) : 0;
  const needed = copied + settings.min_free_gb * gib;
  if (freeBytes === null || freeBytes >= needed) return;
  throw new Failure(
    'conflict',
    `${settings.vhd_path} has ${inGib(freeBytes)} GiB free, ${inGib(copied)} are needed and ${settings.min_free_gb} have to stay`,
    {
      advice: 'Nothing was made; CloudStack will try another host if there is one',
      tenant: 'There is not enough space for this instance right now',
    },
  );
}

function checkSwitches(
  { settings }: Session,
  instance: SizedInstance,
  { switches }: HostResources,
): void {
  const known = new Set(switches.map((name) => name.toLowerCase()));
  const wanted = new Set(instance.nics.map((nic) => switchOf(nic, settings)));
  const lacking = [...wanted].filter((name) => !known.has(name.toLowerCase()));
  if (lacking.length === 0) return;
  throw new Failure('config', `The host has no virtual switch ${lacking.join(', ')}`, {
    advice: switches.length === 0 ? 'It has no switch at all' : `It has: ${switches.join(', ')}`,
  });
}

function checkMemory(
  { settings }: Session,
  instance: SizedInstance,
  { freeMemory }: HostResources,
): void {
  const { memoryBytes: needed } = instance;
  // Unknown, it is left to Hyper-V, which refuses to start what does not fit.
  if (settings.dynamic_memory_percent !== undefined || freeMemory === null) return;
  if (freeMemory >= needed) return;
  throw new Failure(
    'conflict',
    `The host has ${inGib(freeMemory)} GiB of memory free, ${instance.name} needs ${inGib(needed)}`,
    {
      advice: 'Nothing was made; CloudStack will try another host if there is one',
      tenant: 'There is not enough memory for this instance right now',
    },
  );
}

/** As the disks of instances are called here, by the built-in extension or by CloudStack. */
function isInstanceDisk(path: string): boolean {
  const name = baseName(path);
  return (
    /^i-\d+-\d+-/i.test(name) || /-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.vhdx?$/i.test(name)
  );
}

function notTemplate(path: string, users: readonly string[]): Failure {
  const why =
    users.length > 0 ? `the disk of ${users.join(', ')}` : "named like an instance's disk";
  return new Failure('denied', `${path} is ${why} and no template`, {
    advice: 'Choose a template with template_path',
    tenant: 'The chosen template is not available',
  });
}

export function noFile(what: string, path: string): Failure {
  return new Failure('not-found', `There is no ${what} ${path} on the host`, {
    advice: path.startsWith('\\\\')
      ? 'A WinRM login does not reach shares on other servers unless the computer account of the host may read them'
      : 'Check the path on the Hyper-V host itself',
    tenant: `The chosen ${what} is not available`,
  });
}

function inGib(bytes: number): number {
  return Math.round((bytes / gib) * 10) / 10;
}
