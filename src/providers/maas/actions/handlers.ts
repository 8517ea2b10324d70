import type { Cell, Outcome } from '../../../contract/action.ts';
import type { Instance } from '../../../contract/instance.ts';
import { type Machine, readEvents } from '../api/wire.ts';
import { askBmc } from '../machine/bmc.ts';
import { mayBeClaimed } from '../machine/claimable.ts';
import { show } from '../machine/find.ts';
import { listMachines, type Rig } from '../machine/session.ts';

const newestEvents = 20;

type Row = Readonly<Record<string, Cell>>;

export async function getIpAddresses(rig: Rig, instance: Instance): Promise<Outcome> {
  const rows = addressRows(await show(rig, instance));
  const message = rows.length === 0 ? 'No addresses are known' : `Addresses: ${rows.length}`;
  return { message, rows };
}

export async function getDetails(rig: Rig, instance: Instance): Promise<Outcome> {
  const machine = await show(rig, instance);
  const { system_id } = machine;
  const bmc = await askBmc(
    rig,
    system_id,
    Math.min(20_000, rig.context.deadline.remainingMs() / 2),
  );
  const query = { op: 'query', id: system_id, level: 'INFO', limit: newestEvents };
  const what = `show the events of machine ${system_id}`;
  const events = readEvents((await rig.client.get('/events/', { what, query })).json());
  const facts = Object.entries(factsOf(machine, bmc)).map(([what, value]) => ({ what, value }));
  const told = events.map(({ created, type, description }) => ({
    what: `event of ${created}`,
    value: [type, description].filter((part) => part !== '').join(': '),
  }));
  return { message: `Machine ${system_id}`, rows: [...facts, ...told] };
}

export async function listClaimable(
  rig: Rig,
  instance: Instance,
  pool: string | undefined,
): Promise<Outcome> {
  // Like every custom action it is one of an instance whose machine is beyond doubt.
  await show(rig, instance);
  const ready = await listMachines(rig, { status: 'ready', pool });
  const rows = ready.filter((machine) => mayBeClaimed(rig, machine)).map(machineRow);
  return { message: rows.length === 0 ? 'No machine is ready' : `Machines: ${rows.length}`, rows };
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
