import type { Handlers, Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure, remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { suspended } from '../../../lifecycle/power-actions.ts';
import { notRunning } from '../../../lifecycle/refusals.ts';
import { run } from '../api/tasks.ts';
import { listOf, recordOf, textOf } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { memoryOf } from '../machine/config.ts';
import { disksOf, rootDisk } from '../machine/disks.ts';
import type { Machine } from '../machine/machine.ts';
import { netKeys } from '../machine/nics.ts';
import { ignoring, resumeGuest } from '../machine/power.ts';
import { readLive } from '../machine/read.ts';
import { resetGuest } from '../machine/restart.ts';
import type { Session } from '../machine/session.ts';
import type { actions } from './definitions.ts';

const backups = () => import('./backups.ts');
const disks = () => import('./disk-actions.ts');

export function handlers({ at }: Session): Handlers<Machine, Blueprint, typeof actions> {
  return {
    GetIpAddresses: ({ machine, instance, deadline }) =>
      getIpAddresses(at(deadline), machine, instance),
    GetDetails: ({ machine, deadline }) => getDetails(at(deadline), machine),
    async Reset({ machine, deadline }) {
      await resetGuest(at(deadline), machine);
      return { message: 'The instance was reset' };
    },
    async Suspend({ machine: { vmid, node }, deadline }) {
      await run(at(deadline), {
        path: path`/nodes/${node}/qemu/${vmid}/status/suspend`,
        what: `suspend machine ${vmid}`,
        doing: `machine ${vmid} was being suspended`,
      });
      return suspended;
    },
    async Resume({ machine, deadline }) {
      await ignoring(resumeGuest(at(deadline), machine), /already running$/);
      return { message: 'Instance resumed' };
    },
    AttachIso: async (call) => (await disks()).attachIso(at(call.deadline), call),
    DetachIso: async (call) => (await disks()).detachIso(at(call.deadline), call),
    Migrate: async (call) => (await import('./migrate.ts')).migrate(at(call.deadline), call),
    Backup: async (call) => (await backups()).backUp(at(call.deadline), call),
    ListBackups: async (call) => (await backups()).listBackups(at(call.deadline), call),
    RestoreBackup: async (call) =>
      (await import('./restore.ts')).restoreBackup(at(call.deadline), call),
    Reinstall: async (call) => (await import('./reinstall.ts')).reinstall(at(call.deadline), call),
  };
}

/** The addresses as the guest says them: hostile text until it has been checked. */
async function getIpAddresses(
  { api }: Session,
  machine: Machine,
  instance: Instance,
): Promise<Outcome> {
  const { vmid, node } = machine;
  const target = path`/nodes/${node}/qemu/${vmid}/agent/network-get-interfaces`;
  let answer: unknown;
  try {
    answer = await api.get(target, { what: `ask the guest agent of machine ${vmid}` });
  } catch (thrown) {
    throw agentFailure(thrown, machine, instance);
  }
  const rows = listOf(recordOf(answer)['result']).flatMap(addressesOf).slice(0, 200);
  return {
    message: rows.length === 0 ? 'The guest reports no addresses' : `Addresses: ${rows.length}`,
    rows,
  };
}

function addressesOf(entry: unknown): Readonly<Record<string, string>>[] {
  const nic = recordOf(entry);
  const name = (textOf(nic['name']) ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, 40);
  const mac = textOf(nic['hardware-address']) ?? '';
  return listOf(nic['ip-addresses']).flatMap((item) => {
    const address = textOf(recordOf(item)['ip-address']) ?? '';
    const local = /^(127\.|::1$|fe80:)/i.test(address);
    if (local || !/^[0-9a-f.:]{2,45}$/i.test(address)) return [];
    const known = /^[0-9a-f:]{17}$/i.test(mac) ? mac.toLowerCase() : '';
    return [{ NIC: name, 'MAC address': known, 'IP address': address }];
  });
}

function agentFailure(thrown: unknown, machine: Machine, instance: Instance): unknown {
  const text = remoteMessage(thrown);
  if (/is not running$/.test(text) && !/agent/.test(text)) {
    return notRunning(machine, instance, 'off');
  }
  if (!/guest agent/i.test(text)) return thrown;
  const sentence = 'The guest agent of this instance does not answer';
  return new Failure('unsupported', `${sentence}: ${text}`, {
    cause: thrown,
    advice: 'Install qemu-guest-agent in the guest and set guest_agent to true',
    tenant: `${sentence}; is it installed in the guest?`,
  });
}

async function getDetails(session: Session, machine: Machine): Promise<Outcome> {
  const { vmid, node, config, mark } = machine;
  const live = await readLive(session, machine);
  return {
    message: `Machine ${vmid} on ${node}`,
    facts: {
      ...{ Machine: vmid, Node: node, Name: config['name'] ?? '' },
      ...{ State: live.qmp ?? live.status ?? 'unknown', Lock: live.lock ?? '' },
      'Running for': live.uptime === 0 ? null : { seconds: live.uptime },
      CPUs: Number(config['cores'] ?? 1) * Number(config['sockets'] ?? 1),
      Memory: { bytes: memoryOf(config) * 1024 ** 2 },
      NICs: netKeys(config)
        .map((key) => `${key}: ${config[key]}`)
        .sort(),
      Disks: disksOf(config).map(({ key, volume }) => `${key}: ${volume}`),
      'Detached disks': Object.keys(config)
        .filter((key) => /^unused\d+$/.test(key))
        .map((key) => config[key] ?? ''),
      ...{ 'Boots from': rootDisk(config)?.key ?? '', 'Managed by HA': live.managed },
      Mark: typeof mark === 'object' ? `${mark.state}, ${mark.origin}` : 'none',
    },
  };
}
