import type { Found, Making, Plan, Preparation } from '../../../contract/driver.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { hardwareOf, type Machine, withMark } from '../api/machine.ts';
import { idPattern } from '../api/store.ts';
import type { Blueprint } from '../settings.ts';
import { allocating, checkCapacity } from './capacity.ts';
import { listMachines, type Seen, seenFrom } from './list.ts';
import type { Session } from './session.ts';

/** Chooses the id, and MAC addresses where they are wanted; reserves nothing and may be skipped. */
export async function prepare(
  session: Session,
  { instance }: Plan<Blueprint>,
  { machine, partials: [partial] }: Found<Seen>,
): Promise<Preparation> {
  if (machine === undefined && partial === undefined) checkCapacity(session, instance);
  const simulator_id = (machine ?? partial)?.remoteId ?? freeId(session, instance);
  const nics = instance.nics.map(({ uuid }) => ({ uuid, mac: macFor(uuid) }));
  return { details: { simulator_id }, ...(session.settings.assign_macs ? { nics } : {}) };
}

/** Writes the machine down as being built, with its capacity and id, and then copies its template. */
export async function make(
  session: Session,
  { instance, blueprint, partials: [partial], undo, markFor, deadline }: Making<Seen, Blueprint>,
): Promise<Seen> {
  const { store, task } = session;
  const { template_id: template } = blueprint;
  if (partial !== undefined) {
    undo.add(`remove machine ${partial.remoteId}`, async () => store.remove(partial.remoteId));
  }
  checkTemplate(session, template);
  const machine = await allocating(session, () => {
    checkCapacity(session, instance, partial?.remoteId);
    const remoteId = partial?.remoteId ?? freeId(session, instance);
    const fresh = newMachine(session, markFor(remoteId), instance, blueprint);
    store.write(fresh);
    return fresh;
  });
  const { remoteId } = machine;
  undo.add(`remove machine ${remoteId}`, async () => store.remove(remoteId));
  await task(`copying template ${template}`, deadline);
  return seenFrom({ remoteId, machine });
}

function newMachine(
  { settings: { node } }: Session,
  mark: Mark,
  instance: SizedInstance,
  { template_id: templateId, storage, disk_size_gb }: Blueprint,
): Machine {
  const machine: Machine = {
    ...{ remoteId: mark.remoteId, name: instance.name, node, home: node },
    ...{ power: 'off', description: '', template: false, protected: false },
    ...hardwareOf(instance),
    ...{ templateId, storage, diskContent: newDiskContent(templateId) },
    ...(disk_size_gb === undefined ? {} : { diskSizeGb: disk_size_gb }),
    ...{ boots: 0, createdAt: new Date().toISOString(), snapshots: [] },
  };
  return withMark(machine, mark);
}

/** A disk fresh from its template, unlike every other. */
export function newDiskContent(template: string): string {
  return `${template} ${randomText()}`;
}

/** Another instance's machine is no template, even when a tenant's details name it as one. */
export function checkTemplate({ store }: Session, template: string): void {
  const there = listMachines(store).find(({ remoteId }) => remoteId === template);
  if (there === undefined || there.template) return;
  throw new Failure('denied', `${template} is a machine and no template`, {
    advice: 'Choose a template with template_id',
    tenant: 'The chosen template is not available',
  });
}

/** The id that prepare handed out, unless another call has taken it. */
function freeId({ store }: Session, { stored }: SizedInstance): string {
  const taken = new Set(store.list().map(({ remoteId }) => remoteId));
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
