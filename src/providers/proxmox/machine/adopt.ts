import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import { readIndex } from './index-tag.ts';
import { adopt } from './ownership.ts';
import { configIfThere, listMachines, type Seen, seenByConfig } from './read.ts';
import { lookAtAll, mayBeOurs } from './scan-owned.ts';
import type { Session } from './session.ts';
import { isBeingMade } from './settle.ts';

/** Lists show a tag with a node's next broadcast, which is due every ten seconds. */
const listedMs = 15_000;

/** Marks a machine that nobody has marked; one that was changed since the last look is left alone. */
export async function adoptMachine(
  session: Session,
  remoteId: string,
  instance: Instance,
): Promise<void> {
  const own = (await lookAtAll(session)).find((seen) => isOf(session, seen, instance));
  if (own !== undefined) throw refused(remoteId, instance, `it has ${own.remoteId} already`);
  const seen = await seenUnder(session, remoteId);
  if (seen === undefined) throw refused(remoteId, instance, 'there is no such machine');
  if (seen.mark !== undefined)
    throw refused(remoteId, instance, 'the machine carries a mark already');
  if (seen.template === true) throw refused(remoteId, instance, 'it is a template');
  if (isBeingMade(seen.config ?? {})) throw refused(remoteId, instance, 'it is being made');
  await adopt(session, instance, seen);
  if (!mayBeOurs(session, seen.row)) await untilListed(session, seen.row.vmid, instance);
}

/** What only its tag tells would be missing for CloudStack until the lists show the tag. */
async function untilListed(session: Session, vmid: number, { uuid }: Instance): Promise<void> {
  const endMs = performance.now() + listedMs;
  await poll(
    session.context.deadline,
    `waiting until the lists show whose machine ${vmid} is`,
    async () => {
      const row = (await listMachines(session)).find((each) => each.vmid === vmid);
      if (readIndex(row?.tags)?.uuid === uuid || performance.now() > endMs) return true;
      return undefined;
    },
  );
}

async function seenUnder(session: Session, remoteId: string): Promise<Seen | undefined> {
  const row = (await listMachines(session)).find(({ vmid }) => String(vmid) === remoteId);
  const config = row === undefined ? undefined : await configIfThere(session, row);
  return row === undefined || config === undefined ? undefined : seenByConfig(row, config);
}

function isOf({ context }: Session, { mark, template }: Seen, { uuid }: Instance): boolean {
  if (typeof mark !== 'object' || mark.uuid !== uuid || template === true) return false;
  return mark.installation === '' || mark.installation === context.installation;
}

function refused(remoteId: string, { name }: Instance, why: string): Failure {
  return new Failure('conflict', `Refused to mark ${remoteId} for ${name}: ${why}`, {
    advice: 'Look at both with `outrigger audit`',
  });
}
