import type { Step } from '../../../contract/context.ts';
import type { Snapshot, SnapshotDriver } from '../../../contract/snapshot.ts';
import { Failure } from '../../../failure.ts';
import { writeMark } from '../machine/mark.ts';
import { change } from '../machine/power.ts';
import { getMachine, reread } from '../machine/read.ts';
import { onMachine } from '../machine/request.ts';
import type { Seen, Session } from '../machine/session.ts';

/** Snapshots of a driver, which puts disks back and nothing else: the rest is looked at here. */
export function snapshots(session: Session): SnapshotDriver<Seen> {
  const { client } = session;
  return {
    // A restore that broke off may have left half of either disk.
    bootsAfterFailure: false,
    async list(machine, { instance, deadline }) {
      const what = `list the snapshots of machine ${machine.remoteId}`;
      const request = onMachine(machine, instance);
      const answer = await client.ask('list-snapshots', request, { what, deadline });
      return answer.snapshots.map(({ created, memory = false, ...rest }) => ({
        ...{ name: rest.name, memory },
        ...(rest.id === undefined ? {} : { id: rest.id }),
        ...(rest.description === undefined ? {} : { description: rest.description }),
        ...(created === undefined ? {} : { created: new Date(created) }),
      }));
    },
    async take(machine, wanted, { instance, deadline, undo }) {
      const { name, memory, description } = wanted;
      const snapshot = { name, memory, ...(description === undefined ? {} : { description }) };
      undo.add(`remove snapshot ${name} of machine ${machine.remoteId}`, async (margin) => {
        await order(session, 'remove-snapshot', machine, snapshot, { instance, deadline: margin });
      });
      await order(session, 'take-snapshot', machine, snapshot, { instance, deadline });
    },
    remove: (machine, snapshot, step) =>
      order(session, 'remove-snapshot', machine, wordsOf(snapshot), step),
    restore: (machine, snapshot, step) =>
      order(session, 'restore-snapshot', machine, wordsOf(snapshot), step),
    keepToday: (machine, step) => keepToday(session, machine, step),
    async switchOn(machine, step) {
      const { instance, deadline } = step;
      const now = await reread(session, machine.remoteId, deadline);
      if (now.said.state === 'on') return;
      const what = `switch on machine ${machine.remoteId}`;
      const request = { ...onMachine(now, instance), blueprint: {} };
      await client.ask('power-on', request, { what, deadline });
    },
  };
}

interface Words {
  readonly name: string;
  readonly id?: string;
  readonly memory?: boolean;
  readonly description?: string;
}

function wordsOf({ name, id, memory }: Snapshot): Words {
  return { name, memory, ...(id === undefined ? {} : { id }) };
}

async function order(
  { client }: Session,
  name: 'take-snapshot' | 'remove-snapshot' | 'restore-snapshot',
  machine: Seen,
  snapshot: Words,
  { instance, deadline }: Step,
): Promise<void> {
  const what = `${name.replace('-', ' ')} ${snapshot.name} of machine ${machine.remoteId}`;
  await client.ask(name, { ...onMachine(machine, instance), snapshot }, { what, deadline });
}

/** The mark is written again; hardware that came back with the snapshot leaves the machine off. */
async function keepToday(session: Session, machine: Seen, step: Step): Promise<void> {
  const now = await getMachine(session, machine.remoteId, step.deadline);
  if (now === undefined) return;
  const { mark } = machine;
  const marked =
    now.said.mark === machine.said.mark || typeof mark !== 'object'
      ? now
      : await writeMark(session, now, mark, step);
  if (marked !== 'lost' && isAlike(marked, machine)) return;
  if (now.said.state === 'on') await change(session, now, 'cut-power', 'off', step);
  throw new Failure(
    'upstream',
    `Driver ${session.driver} brought back another mark, CPUs, memory or NICs of machine ${machine.remoteId} with the snapshot`,
    { advice: 'Start the instance, which brings them up to date, or correct the driver' },
  );
}

function isAlike({ said: one }: Seen, { said: other }: Seen): boolean {
  const text = ({ cpus, memoryBytes, nics }: Seen['said']) =>
    JSON.stringify([cpus, memoryBytes, nics]);
  return text(one) === text(other);
}
