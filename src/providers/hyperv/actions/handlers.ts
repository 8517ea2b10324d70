import type { ActionCall, Handlers, Outcome, Parameters } from '../../../contract/action.ts';
import type { Fields } from '../../../contract/field.ts';
import { suspended } from '../../../lifecycle/power-actions.ts';
import type { PowerCommand } from '../api/command.ts';
import * as reading from '../api/commands/reading.ts';
import type { Blueprint } from '../blueprint.ts';
import { macWithColons } from '../machine/hardware.ts';
import type { HostMachine } from '../machine/list.ts';
import { changePower } from '../machine/power.ts';
import { ask, type Session, withDeadline } from '../machine/session.ts';
import { isRunning } from '../machine/state.ts';
import type { actions } from './definitions.ts';
import { attachIso, changeMedia } from './media.ts';

type Call = Pick<ActionCall<HostMachine, Parameters, Blueprint, Fields>, 'machine' | 'deadline'>;

export function handlers(session: Session): Handlers<HostMachine, Blueprint, typeof actions> {
  const at = ({ deadline }: Pick<Call, 'deadline'>): Session => withDeadline(session, deadline);
  const switching =
    (order: PowerCommand, reached: (state: string) => boolean, message: string) =>
    async (call: Call): Promise<Outcome> => {
      await changePower(at(call), call.machine, order, reached);
      return { message };
    };
  return {
    GetIpAddresses: (call) => getIpAddresses(at(call), call.machine),
    Reset: switching('reset', isRunning, 'The instance was reset'),
    Suspend: switching('pause', (state) => state === 'Paused', suspended.message),
    Resume: switching('resume', isRunning, 'Instance resumed'),
    AttachIso: (call) => attachIso(at(call), call.machine, call.parameters.iso_path),
    async DetachIso(call) {
      await changeMedia(at(call), call.machine, '');
      return { message: 'The drive is empty' };
    },
    Reinstall: async (call) =>
      (await import('./reinstall.ts')).reinstall(at(call), call.machine, call.blueprint),
  };
}

async function getIpAddresses(session: Session, { remoteId: id }: HostMachine): Promise<Outcome> {
  const { adapters } = await ask(session, reading.machine, { id }, { last: true });
  const rows = adapters.flatMap(({ name: nic, mac, addresses }) =>
    // The guest reports these itself, and may report anything.
    addresses
      .filter((address) => /^[0-9A-Fa-f:.]{2,45}$/.test(address))
      .map((address) => ({
        ...{ NIC: nic, 'MAC address': macWithColons(mac), 'IP address': address },
      })),
  );
  return {
    message:
      rows.length === 0
        ? 'No addresses are known: the guest has to run the integration services'
        : `Addresses: ${rows.length}`,
    rows,
  };
}
