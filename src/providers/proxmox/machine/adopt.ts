import type { Instance } from '../../../contract/instance.ts';
import { poll } from '../../../kit/poll.ts';
import { readIndex } from './index-tag.ts';
import { type Machine, machineByConfig, mayBeOurs } from './machine.ts';
import { configIfThere, listMachines } from './read.ts';
import type { Session } from './session.ts';

/** Lists show a tag with a node's next broadcast, which is due every ten seconds. */
const listedMs = 15_000;

/** The machine under this id as it is now. */
export async function readMachine(
  session: Session,
  remoteId: string,
): Promise<Machine | undefined> {
  const row = (await listMachines(session)).find(({ vmid }) => String(vmid) === remoteId);
  const config = row === undefined ? undefined : await configIfThere(session, row);
  return row === undefined || config === undefined ? undefined : machineByConfig(row, config);
}

/** Waits for the tag in the list: a machine that only its tag tells would be missing until then. */
export async function untilListed(
  session: Session,
  { row, vmid }: Machine,
  { uuid }: Instance,
): Promise<void> {
  if (mayBeOurs(session.settings, row)) return;
  const endMs = performance.now() + listedMs;
  const doing = `waiting until the lists show whose machine ${vmid} is`;
  await poll(session.context.deadline, doing, async () => {
    const listed = (await listMachines(session)).find((each) => each.vmid === vmid);
    return readIndex(listed?.tags)?.uuid === uuid || performance.now() > endMs ? true : undefined;
  });
}
