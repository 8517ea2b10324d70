import type { Handlers, Outcome } from '../../../contract/action.ts';
import type { Deadline } from '../../../contract/context.ts';
import { first, textIn } from '../../../kit/xml/tree.ts';
import { suspended } from '../../../lifecycle/power-actions.ts';
import { order } from '../api/domains.ts';
import { rootIn } from '../machine/drives.ts';
import { cpusIn, memoryIn, readDescription } from '../machine/hardware.ts';
import { type Machine, stateOf } from '../machine/machines.ts';
import { resume, suspend } from '../machine/power.ts';
import type { Session } from '../machine/session.ts';
import type { Blueprint } from '../settings.ts';
import { addressesOf } from './addresses.ts';
import type { actions } from './definitions.ts';

export function handlers(session: Session): Handlers<Machine, Blueprint, typeof actions> {
  const { client } = session;
  return {
    GetIpAddresses: ({ machine, deadline }) => addressesOf(session, machine, deadline),
    async Reset({ machine, deadline }) {
      // A reset leaves a suspended guest suspended.
      if (stateOf(machine) === 'paused') await resume(session, machine, deadline);
      await order(client, machine.domain, 'reset', deadline);
      return { message: 'The instance was reset' };
    },
    async Suspend({ machine, undo, deadline }) {
      if (stateOf(machine) === 'paused') return suspended;
      undo.add(`let ${machine.remoteId} go on`, async (margin) => {
        await resume(session, machine, margin);
      });
      await suspend(session, machine, deadline);
      return suspended;
    },
    async Resume({ machine, deadline }) {
      await resume(session, machine, deadline);
      return { message: 'Instance resumed' };
    },
    AttachIso: async ({ machine, parameters: { iso_path }, deadline }) =>
      (await import('./media.ts')).attachIso(session, machine, iso_path, deadline),
    async DetachIso({ machine, deadline }) {
      await (await import('./media.ts')).changeMedia(session, machine, undefined, deadline);
      return { message: 'The drive is empty' };
    },
    Reinstall: async (call) => (await import('./reinstall.ts')).reinstall(session, call),
    GetDetails: ({ machine, deadline }) => detailsOf(session, machine, deadline),
  };
}

async function detailsOf(session: Session, machine: Machine, deadline: Deadline): Promise<Outcome> {
  const description = await readDescription(session, machine, 'now', deadline);
  const type = first(description, 'os', 'type');
  const screen = first(description, 'devices', 'graphics')?.attributes ?? {};
  return {
    message: `Instance ${machine.domain.name}`,
    facts: {
      ...{ Name: machine.domain.name, UUID: machine.remoteId, Status: stateOf(machine) },
      Virtualization: description.attributes['type'] ?? '',
      'Machine type': type?.attributes['machine'] ?? '',
      Firmware: textIn(first(description, 'os', 'loader')) === '' ? 'BIOS' : 'UEFI',
      CPUs: cpusIn(description),
      Memory: { bytes: memoryIn(description) },
      Disk: rootIn(description)?.path ?? '',
      Screen: screen['port'] === undefined ? '' : `${screen['type']} on port ${screen['port']}`,
    },
  };
}
