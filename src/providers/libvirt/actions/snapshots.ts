import type { Deadline } from '../../../contract/context.ts';
import type { SnapshotDriver } from '../../../contract/snapshot.ts';
import { Failure, isKind } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { writeTree } from '../../../kit/xml/tree.ts';
import { defineDomain, order } from '../api/domains.ts';
import { deleteSaved, listSaved, revertTo, saveSnapshot } from '../api/snapshots.ts';
import { readDescription } from '../machine/hardware.ts';
import { isOff, type Machine, reread } from '../machine/machines.ts';
import { switchOff } from '../machine/remove.ts';
import type { Session } from '../machine/session.ts';

/**
 * Snapshots inside the qcow2 file. Of a guest that runs, libvirt saves the memory with them; it is never
 * restored, since the guest would go on with that day's network.
 */
export function snapshots(session: Session): SnapshotDriver<Machine> {
  const { client } = session;
  /** The lasting descriptions of machines as they were before a restore. */
  const today = new Map<string, string>();
  return {
    // A restore that broke off may have left half of either disk.
    bootsAfterFailure: false,
    async list({ domain }, { deadline }) {
      const all = await listSaved(client, domain, deadline);
      return all.map(({ name, description, created }) => ({
        ...{ name, description, created, memory: false },
      }));
    },
    async take(machine, { name, description }, { undo, deadline }) {
      undo.add(`remove snapshot ${name} of ${machine.remoteId}`, (margin) =>
        untilFree(margin, name, () => remove(session, machine, name, margin)),
      );
      const ask = { what: `save snapshot ${name} of ${machine.domain.name}`, deadline };
      await saveSnapshot(client, machine.domain, { name, description }, ask).catch((thrown) => {
        throw isOff(machine) || !isKind(thrown, 'unsupported') ? thrown : onlyStopped(thrown);
      });
    },
    remove: (machine, { name }, { deadline }) => remove(session, machine, name, deadline),
    async restore(machine, { name }, { deadline }) {
      const { domain, remoteId } = machine;
      const saved = await listSaved(client, domain, deadline);
      const ran = saved.find((each) => each.name === name)?.ran ?? false;
      today.set(remoteId, writeTree(await readDescription(session, machine, 'whenOff', deadline)));
      await switchOff(session, machine, deadline);
      const ask = { what: `restore snapshot ${name} of ${domain.name}`, deadline };
      await revertTo(client, domain, { name, ran }, ask);
      if (ran) await switchOff(session, machine, deadline);
    },
    async keepToday({ remoteId, domain }, { deadline }) {
      const xml = today.get(remoteId);
      const now = await reread(client, remoteId, deadline);
      if (xml === undefined) return;
      if (!isOff(now)) await switchOff(session, now, deadline);
      const ask = { what: `bring ${domain.name} back to today's hardware`, deadline };
      await defineDomain(client, xml, ask);
    },
    async switchOn({ remoteId }, { deadline }) {
      const now = await reread(client, remoteId, deadline);
      if (isOff(now)) await order(client, now.domain, 'start', deadline);
    },
  };
}

function remove(
  { client }: Session,
  { domain }: Machine,
  name: string,
  deadline: Deadline,
): Promise<void> {
  const ask = { what: `remove snapshot ${name} of ${domain.name}`, deadline };
  return deleteSaved(client, domain, name, ask);
}

/** libvirt goes on with what it was told after we have given up. */
async function untilFree(
  deadline: Deadline,
  name: string,
  work: () => Promise<void>,
): Promise<void> {
  await poll(deadline, `waiting for the end of snapshot ${name}`, async () => {
    try {
      await work();
      return true;
    } catch (thrown) {
      if (isKind(thrown, 'conflict')) return undefined;
      throw thrown;
    }
  });
}

function onlyStopped(cause: unknown): Failure {
  const sentence = 'Snapshots of this instance can only be made while it is stopped';
  return new Failure('unsupported', `${sentence}: ${Failure.from(cause).message}`, {
    cause,
    tenant: sentence,
  });
}
