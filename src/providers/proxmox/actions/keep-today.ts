import type { Snapshot } from '../../../contract/snapshot.ts';
import { path } from '../../../kit/http/address.ts';
import { type Config, configOf } from '../api/wire.ts';
import { memoryOf, writeConfig } from '../machine/config.ts';
import type { Machine } from '../machine/machine.ts';
import { writeTags } from '../machine/mark.ts';
import { netIdentity, netKeys } from '../machine/nics.ts';
import { readConfig } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';

const kept =
  /^(net\d+|cores|sockets|vcpus|memory|balloon|cpu|name|description|tags|onboot|protection|ipconfig\d+|sshkeys|ciuser|nameserver)$/;

/** Brings network, size, name and mark back to what they were before disks were put back. */
export async function keepToday(session: Session, machine: Machine): Promise<void> {
  const now = await readConfig(session, machine);
  const { config: today } = machine;
  const set = Object.entries(today).filter(
    ([option, value]) => kept.test(option) && option !== 'tags' && now[option] !== value,
  );
  const gone = Object.keys(now).filter(
    (option) => kept.test(option) && today[option] === undefined,
  );
  const form = Object.fromEntries(set);
  await writeConfig(
    session,
    machine,
    gone.length === 0 ? form : { ...form, delete: gone.join(',') },
    `keep network and size of machine ${machine.vmid}`,
  );
  if (now['tags'] !== today['tags']) await writeTags(session, machine, today['tags'] ?? '');
}

/**
 * Why a snapshot with memory cannot be restored: the memory goes on at once where it stopped, on the
 * NICs and with the size of that day, which is right only where these are today's.
 */
export async function memoryMismatch(
  { api }: Session,
  { vmid, node, config }: Machine,
  { name, memory }: Snapshot,
  ran: boolean,
): Promise<string | undefined> {
  if (!memory) return undefined;
  if (!ran) {
    return `Snapshot ${name} holds memory and would start the instance: start it first`;
  }
  const ask = { what: `read snapshot ${name} of machine ${vmid}` };
  const then = configOf(
    await api.get(path`/nodes/${node}/qemu/${vmid}/snapshot/${name}/config`, ask),
  );
  if (identity(then) === identity(config)) return undefined;
  return `Snapshot ${name} holds memory, and the network or size of the instance has changed since`;
}

function identity(config: Config): string {
  const nets = [...netKeys(config)].sort().map((key) => `${key} ${netIdentity(config[key] ?? '')}`);
  const { cores = '1', sockets = '1' } = config;
  return [...nets, cores, sockets, memoryOf(config)].join('\n');
}
