import type { Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure, remoteMessage } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { run } from '../api/tasks.ts';
import { listOf, recordOf, textOf } from '../api/wire.ts';
import { disksOf, rootDisk } from '../machine/disks.ts';
import { show, take } from '../machine/find.ts';
import { isRunning, readLive } from '../machine/live.ts';
import { isBuilding, type Machine } from '../machine/machine.ts';
import { netKeys } from '../machine/nics.ts';
import { halfMade, notRunning } from '../machine/power.ts';
import { resetGuest } from '../machine/restart.ts';
import type { Session } from '../machine/session.ts';
import { ignoring, resumeGuest } from '../machine/switch.ts';

/** The instance's machine for an action that only makes sense on one that is built. */
export async function takeBuilt(session: Session, instance: Instance): Promise<Machine> {
  const machine = await take(session, instance);
  if (isBuilding(machine)) throw halfMade(machine);
  return machine;
}

export async function reset(session: Session, instance: Instance): Promise<Outcome> {
  await resetGuest(session, await takeRunning(session, instance));
  return { message: 'The instance was reset' };
}

export async function suspend(session: Session, instance: Instance): Promise<Outcome> {
  const { vmid, node } = await takeRunning(session, instance);
  await run(session, {
    path: path`/nodes/${node}/qemu/${vmid}/status/suspend`,
    what: `suspend machine ${vmid}`,
    doing: `machine ${vmid} was being suspended`,
  });
  return { message: 'The instance is suspended' };
}

export async function resume(session: Session, instance: Instance): Promise<Outcome> {
  const machine = await takeRunning(session, instance);
  await ignoring(resumeGuest(session, machine), /already running$/);
  return { message: 'The instance goes on' };
}

async function takeRunning(session: Session, instance: Instance): Promise<Machine> {
  const machine = await takeBuilt(session, instance);
  if (!isRunning(await readLive(session, machine))) throw notRunning(machine);
  return machine;
}

/** What the guest says of itself: hostile text until it has been looked at. */
export async function getIpAddresses(session: Session, instance: Instance): Promise<Outcome> {
  const machine = await show(session, instance);
  const { vmid, node } = machine;
  let answer: unknown;
  try {
    const what = `ask the guest agent of machine ${vmid}`;
    answer = await session.api.get(path`/nodes/${node}/qemu/${vmid}/agent/network-get-interfaces`, {
      what,
    });
  } catch (thrown) {
    throw agentFailure(thrown, machine);
  }
  const rows = listOf(recordOf(answer)['result']).flatMap(addressesOf).slice(0, 200);
  return {
    message: rows.length === 0 ? 'The guest reports no addresses' : `Addresses: ${rows.length}`,
    rows,
  };
}

function addressesOf(entry: unknown): { nic: string; mac: string; address: string }[] {
  const nic = recordOf(entry);
  const name = (textOf(nic['name']) ?? '').replace(/[^\x20-\x7e]/g, '?').slice(0, 40);
  const mac = textOf(nic['hardware-address']) ?? '';
  return listOf(nic['ip-addresses']).flatMap((item) => {
    const address = textOf(recordOf(item)['ip-address']) ?? '';
    const local = /^(127\.|::1$|fe80:)/i.test(address);
    if (local || !/^[0-9a-f.:]{2,45}$/i.test(address)) return [];
    return [{ nic: name, mac: /^[0-9a-f:]{17}$/i.test(mac) ? mac.toLowerCase() : '', address }];
  });
}

function agentFailure(thrown: unknown, machine: Machine): unknown {
  const said = remoteMessage(thrown);
  if (/is not running$/.test(said) && !/agent/.test(said)) return notRunning(machine);
  if (!/guest agent/i.test(said)) return thrown;
  const sentence = 'The guest agent of this instance does not answer';
  return new Failure('unsupported', `${sentence}: ${said}`, {
    cause: thrown,
    advice: 'Install qemu-guest-agent in the guest and set guest_agent to true',
    tenant: `${sentence}; is it installed in the guest?`,
  });
}

export async function getDetails(session: Session, instance: Instance): Promise<Outcome> {
  const machine = await show(session, instance);
  const { vmid, node, config, mark } = machine;
  const live = await readLive(session, machine);
  const row = {
    vmid,
    node,
    name: config['name'] ?? '',
    status: live.qmp ?? live.status ?? 'unknown',
    lock: live.lock ?? '',
    cores: Number(config['cores'] ?? 1),
    memory: config['memory'] ?? '',
    nics: netKeys(config)
      .map((key) => `${key}: ${config[key]}`)
      .sort()
      .join('; '),
    disks: disksOf(config)
      .map(({ key, volume }) => `${key}: ${volume}`)
      .join('; '),
    boots_from: rootDisk(config)?.key ?? '',
    uptime: live.uptime,
    ha: live.managed,
    mark: `${mark.state}, ${mark.origin}`,
  };
  return { message: `Machine ${vmid} on ${node}`, rows: [row] };
}
