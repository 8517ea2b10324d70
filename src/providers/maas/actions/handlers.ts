import type { Cell, Handlers, Outcome } from '../../../contract/action.ts';
import type { Deadline } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { type MaasEvent, type Machine, readEvents } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { mayBeClaimed } from '../machine/allocate.ts';
import { askBmc } from '../machine/bmc.ts';
import type { Seen } from '../machine/match.ts';
import { operate } from '../machine/operate.ts';
import { listMachines, type Session } from '../machine/session.ts';
import type { actions } from './definitions.ts';

const newestEvents = 20;

type Row = Readonly<Record<string, Cell>>;

export function handlers(
  at: (deadline: Deadline) => Session,
): Handlers<Seen, Blueprint, typeof actions> {
  return {
    GetIpAddresses: async ({ machine }) => addressesOf(machine.machine),
    GetDetails: ({ machine, deadline }) => detailsOf(at(deadline), machine.machine),
    ListMachines: ({ parameters, deadline }) => listClaimable(at(deadline), parameters.pool),
    Lock: ({ machine, instance, deadline }) =>
      setLock(at(deadline), instance, machine.machine, true),
    Unlock: ({ machine, instance, deadline }) =>
      setLock(at(deadline), instance, machine.machine, false),
    Redeploy: async ({ instance, blueprint, parameters, deadline }) => {
      const { distro_series = blueprint.distro_series } = parameters;
      const { redeploy } = await import('./redeploy.ts');
      return redeploy(at(deadline), instance, { ...blueprint, distro_series });
    },
  };
}

function addressesOf(machine: Machine): Outcome {
  const rows = addressRows(machine);
  const message = rows.length === 0 ? 'No addresses are known' : `Addresses: ${rows.length}`;
  return { message, rows };
}

async function detailsOf(session: Session, machine: Machine): Promise<Outcome> {
  const { system_id } = machine;
  const limitMs = Math.min(20_000, session.deadline.remainingMs() / 2);
  const bmc = await askBmc(session, system_id, limitMs);
  const facts = Object.entries(factsOf(machine, bmc)).map(([what, value]) => ({ what, value }));
  const told = (await eventsOf(session, system_id)).map(({ created, type, description }) => ({
    what: `event of ${created}`,
    value: [type, description].filter((part) => part !== '').join(': '),
  }));
  return { message: `Machine ${system_id}`, rows: [...facts, ...told] };
}

async function eventsOf(
  { client, deadline }: Session,
  systemId: string,
): Promise<readonly MaasEvent[]> {
  const query = { op: 'query', id: systemId, level: 'INFO', limit: newestEvents };
  const what = `show the events of machine ${systemId}`;
  return readEvents((await client.get('/events/', { what, query, deadline })).json());
}

async function listClaimable(session: Session, pool: string | undefined): Promise<Outcome> {
  const ready = await listMachines(session, { status: 'ready', pool });
  const rows = ready.filter((machine) => mayBeClaimed(session, machine)).map(machineRow);
  return { message: rows.length === 0 ? 'No machine is ready' : `Machines: ${rows.length}`, rows };
}

/** Locks or unlocks the instance's machine; what is so already succeeds. */
async function setLock(
  session: Session,
  instance: Instance,
  machine: Machine,
  locked: boolean,
): Promise<Outcome> {
  const message = locked ? 'The machine is locked' : 'The machine is not locked';
  if (machine.locked === locked) return { message };
  const { system_id } = machine;
  const op = locked ? 'lock' : 'unlock';
  const form = { comment: `CloudStack instance ${instance.name}` };
  await operate(session, instance, machine, { op, what: `${op} machine ${system_id}`, form });
  session.log(`machine.${op}ed`, { machine: system_id });
  return { message };
}

function machineRow(machine: Machine): Row {
  return {
    system_id: machine.system_id,
    hostname: machine.hostname,
    pool: machine.pool?.name ?? '',
    zone: machine.zone?.name ?? '',
    architecture: machine.architecture,
    cpus: machine.cpu_count,
    memory_mb: machine.memory,
    power_type: machine.power_type,
    tags: machine.tag_names.join(', '),
  };
}

function addressRows({ interface_set, ip_addresses }: Machine): readonly Row[] {
  const linked = interface_set.flatMap(({ name, mac_address, links }) =>
    links.flatMap(({ ip_address }) =>
      ip_address === '' ? [] : [{ interface: name, mac: mac_address, address: ip_address }],
    ),
  );
  const known = new Set(linked.map(({ address }) => address));
  const others = ip_addresses.filter((address) => !known.has(address));
  return [...linked, ...others.map((address) => ({ interface: '', mac: '', address }))];
}

function factsOf(machine: Machine, bmc: string): Row {
  return {
    system_id: machine.system_id,
    hostname: machine.hostname,
    status: machine.status_name,
    message: machine.status_message,
    system: [machine.osystem, machine.distro_series].filter((part) => part !== '').join('/'),
    addresses: machine.ip_addresses.join(', '),
    power_type: machine.power_type,
    power_state: `${bmc} (MAAS last knew: ${machine.power_state})`,
    locked: machine.locked,
    pool: machine.pool?.name ?? '',
    zone: machine.zone?.name ?? '',
    owner: machine.owner,
    cpus: machine.cpu_count,
    memory_mb: machine.memory,
    tags: machine.tag_names.join(', '),
  };
}
