import type { Cell, Handlers, Outcome } from '../../../contract/action.ts';
import type { Deadline } from '../../../contract/context.ts';
import type { Instance } from '../../../contract/instance.ts';
import { type MaasEvent, type Machine, readEvents } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { mayBeClaimed } from '../machine/allocate.ts';
import { askBmc } from '../machine/bmc.ts';
import { listFailures } from '../machine/failures.ts';
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
    ClearFailures: async ({ parameters, deadline }) => {
      const { clearFailures } = await import('./clear-failures.ts');
      return clearFailures(at(deadline), parameters.system_id);
    },
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
  const events = (await eventsOf(session, system_id)).map(({ created, type, description }) =>
    [created, type, description].filter((part) => part !== '').join(': '),
  );
  return {
    message: `Machine ${system_id}`,
    facts: { ...factsOf(machine, bmc), 'Latest events': events },
  };
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
  const free = ready.filter((machine) => mayBeClaimed(session, machine));
  const failures = await listFailures(session, free);
  const rows = free.map((machine) => machineRow(machine, failures.get(machine.system_id)));
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

function machineRow(machine: Machine, failures = ''): Row {
  const { cpu_count: cpus, memory, architecture, power_type } = machine;
  const hardware = [`${cpus} CPUs`, `${memory} MiB`, architecture, power_type];
  const places = [machine.pool?.name ?? '', machine.zone?.name ?? '', ...machine.tag_names];
  return {
    ...{ 'System ID': machine.system_id, Hostname: machine.hostname },
    'Pool, zone, tags': places.filter((part) => part !== '').join(', '),
    'Failed lately': failures,
    Hardware: hardware.filter((part) => part !== '').join(', '),
  };
}

function addressRows({ interface_set, ip_addresses }: Machine): readonly Row[] {
  const linked = interface_set.flatMap(({ name, mac_address, links }) =>
    links.flatMap(({ ip_address }) =>
      ip_address === ''
        ? []
        : [{ NIC: name, 'MAC address': mac_address, 'IP address': ip_address }],
    ),
  );
  const known = new Set(linked.map((row) => row['IP address']));
  const others = ip_addresses.filter((address) => !known.has(address));
  return [
    ...linked,
    ...others.map((address) => ({ NIC: '', 'MAC address': '', 'IP address': address })),
  ];
}

function factsOf(machine: Machine, bmc: string): Row {
  const { osystem, distro_series: series } = machine;
  return {
    ...{ 'System ID': machine.system_id, Hostname: machine.hostname },
    ...{ Status: machine.status_name, 'Status message': machine.status_message },
    'Operating system': [osystem, series].filter((part) => part !== '').join('/'),
    Addresses: machine.ip_addresses,
    'Power type': machine.power_type,
    Power: `${bmc} (MAAS last knew: ${machine.power_state})`,
    ...{ Locked: machine.locked, Pool: machine.pool?.name ?? '', Zone: machine.zone?.name ?? '' },
    ...{ Owner: machine.owner, CPUs: machine.cpu_count },
    Memory: { bytes: machine.memory * 1024 ** 2 },
    Tags: machine.tag_names,
  };
}
