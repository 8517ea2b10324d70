import type { Preparation } from '../../contract/driver.ts';
import type { SizedInstance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { withUndo } from '../../kit/undo.ts';
import { allocating, checkRoom } from './capacity.ts';
import { lookAround, markFor, showIfThere, takeIfThere } from './find.ts';
import { type Hardware, hardwareOf, isBuilding, type Machine, withMark } from './machine.ts';
import { alone, powerOn } from './power.ts';
import type { Rig } from './script.ts';
import type { Blueprint } from './settings.ts';
import { idPattern } from './store.ts';

/** Chooses the id, and MAC addresses where they are wanted; reserves nothing and may be skipped. */
export async function prepare(rig: Rig, instance: SizedInstance): Promise<Preparation> {
  const machine = showIfThere(rig, instance);
  if (machine === undefined) checkRoom(rig, instance);
  const simulator_id = machine?.remoteId ?? freeId(rig, instance);
  const nics = instance.nics.map(({ uuid }) => ({ uuid, mac: macFor(uuid) }));
  return { details: { simulator_id }, ...(rig.settings.assign_macs ? { nics } : {}) };
}

/**
 * Makes the machine and starts it. One that is there already is started as it is, one that an
 * earlier create left half-made is made anew; another create under way is waited for.
 */
export function create(rig: Rig, instance: SizedInstance, blueprint: Blueprint): Promise<void> {
  return alone(rig, instance, async () => {
    const machine = takeIfThere(rig, instance);
    if (machine === undefined || isBuilding(machine)) {
      return build(rig, instance, blueprint, machine?.remoteId);
    }
    rig.context.log('create.exists', { machine: machine.remoteId });
    return powerOn(rig, instance, machine);
  });
}

function build(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  halfMadeId: string | undefined,
): Promise<void> {
  return withUndo(rig.context, async (undo) => {
    const willRemove = (id: string): void =>
      undo.add(`remove machine ${id}`, async () => rig.store.remove(id));
    if (halfMadeId !== undefined) willRemove(halfMadeId);
    checkTemplate(rig, blueprint.template_id);
    const machine = await allocating(rig, () => reserve(rig, instance, blueprint, halfMadeId));
    willRemove(machine.remoteId);
    await rig.task(`copying template ${blueprint.template_id}`);
    const mark = markFor(rig, instance, machine.remoteId, { state: 'built', origin: 'created' });
    rig.store.write({ ...withMark(machine, mark), power: 'on', boots: 1 });
  });
}

/** Writes the machine down as being built: from now on it has its room, its id and our mark. */
function reserve(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  halfMadeId: string | undefined,
): Machine {
  checkRoom(rig, instance, halfMadeId);
  const remoteId = halfMadeId ?? freeId(rig, instance);
  const fresh = newMachine(rig, remoteId, instance, blueprint);
  const mark = markFor(rig, instance, remoteId, { state: 'building', origin: 'created' });
  const machine = withMark(fresh, mark);
  rig.store.write(machine);
  return machine;
}

function newMachine(
  { settings }: Rig,
  remoteId: string,
  instance: SizedInstance,
  { template_id, storage, disk_size_gb }: Blueprint,
): Machine {
  const hardware: Hardware = hardwareOf(instance);
  return {
    remoteId,
    name: instance.name,
    node: settings.node,
    home: settings.node,
    power: 'off',
    description: '',
    template: false,
    protected: false,
    ...hardware,
    templateId: template_id,
    storage,
    ...(disk_size_gb === undefined ? {} : { diskSizeGb: disk_size_gb }),
    diskContent: newDiskContent(template_id),
    boots: 0,
    createdAt: new Date().toISOString(),
    snapshots: [],
  };
}

/** A disk fresh from its template, unlike every other. */
export function newDiskContent(template: string): string {
  return `${template} ${randomText()}`;
}

/** Somebody else's machine is no template, whatever a tenant writes into his details. */
export function checkTemplate(rig: Rig, template: string): void {
  const there = lookAround(rig).find(({ remoteId }) => remoteId === template);
  if (there === undefined || there.template) return;
  throw new Failure('denied', `${template} is a machine and no template`, {
    advice: 'Choose a template with template_id',
    tenant: 'The chosen template is not available',
  });
}

/** The id that prepare handed out, unless somebody was faster. */
function freeId(rig: Rig, { stored }: SizedInstance): string {
  const taken = new Set(rig.store.list().map(({ remoteId }) => remoteId));
  const { simulator_id: hint = '' } = stored;
  if (idPattern.test(hint) && !taken.has(hint)) return hint;
  for (;;) {
    const id = `sim-${randomText()}`;
    if (!taken.has(id)) return id;
  }
}

function randomText(): string {
  return Math.random().toString(16).slice(2, 10).padEnd(8, '0');
}

/** Locally administered, and as unique as the NIC's own UUID. */
function macFor(nicUuid: string): string {
  const digits = nicUuid.replace(/-/g, '').slice(-10);
  return `02:${digits.replace(/(..)(?=.)/g, '$1:')}`;
}
