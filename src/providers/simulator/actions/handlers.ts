import type { Handlers, Outcome } from '../../../contract/action.ts';
import type { Step } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { suspended } from '../../../lifecycle/power-actions.ts';
import { isRunning, type Machine } from '../api/machine.ts';
import type { Seen } from '../machine/list.ts';
import { checkTemplate, newDiskContent } from '../machine/make.ts';
import type { Session } from '../machine/session.ts';
import type { Blueprint } from '../settings.ts';
import type { actions } from './definitions.ts';

export function handlers(session: Session): Handlers<Seen, Blueprint, typeof actions> {
  const { store, task } = session;
  const change = async (
    doing: string,
    { machine: { remoteId }, deadline }: Pick<Step, 'deadline'> & { readonly machine: Seen },
    next: (now: Machine) => Partial<Machine>,
  ): Promise<void> => {
    await task(`${doing} machine ${remoteId}`, deadline);
    store.update(remoteId, (now) => ({ ...now, ...next(now) }));
  };
  return {
    GetIpAddresses: async ({ machine }) => addressesOf(readable(machine)),
    GetDetails: async ({ machine }) => detailsOf(readable(machine)),
    async Reset(call) {
      await change('resetting', call, ({ boots }) => ({ power: 'on', boots: boots + 1 }));
      return { message: 'The instance was reset' };
    },
    async Suspend(call) {
      await change('suspending', call, () => ({ power: 'suspended' }));
      return suspended;
    },
    async Resume(call) {
      await change('resuming', call, () => ({ power: 'on' }));
      return { message: 'Instance resumed' };
    },
    /** A fresh disk from the template; the old one's snapshots go with it, everything else stays. */
    async Reinstall(call) {
      const { template_id: templateId } = call.blueprint;
      checkTemplate(session, templateId);
      await change(`copying template ${templateId} to`, call, (now) => ({
        ...{ templateId, diskContent: newDiskContent(templateId), snapshots: [] },
        ...(isRunning(now) ? { power: 'on', boots: now.boots + 1 } : { power: 'off' }),
      }));
      return { message: 'The instance was installed anew' };
    },
  };
}

function addressesOf({ nics }: Machine): Outcome {
  const rows = nics.flatMap(({ deviceId, mac, ipv4, ipv6 }) =>
    [ipv4, ipv6].flatMap((address) =>
      address === undefined ? [] : [{ NIC: deviceId, 'MAC address': mac, 'IP address': address }],
    ),
  );
  return {
    message: rows.length === 0 ? 'No addresses are known' : `Addresses: ${rows.length}`,
    rows,
  };
}

function detailsOf(machine: Machine): Outcome {
  const { remoteId, node, power, cpus, memoryBytes, templateId, storage, diskSizeGb } = machine;
  return {
    message: `Machine ${remoteId}`,
    facts: {
      ...{ Machine: remoteId, Node: node, Power: power, CPUs: cpus },
      ...{ Memory: { bytes: memoryBytes }, Template: templateId, Storage: storage },
      Disk: diskSizeGb === undefined ? null : { bytes: diskSizeGb * 1024 ** 3 },
      ...{ 'Starts so far': machine.boots, Snapshots: machine.snapshots.length },
    },
  };
}

function readable({ remoteId, file }: Seen): Machine {
  if (file !== undefined) return file;
  throw new Failure('upstream', `The file of machine ${remoteId} cannot be read`);
}
