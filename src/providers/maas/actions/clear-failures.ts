import type { Outcome } from '../../../contract/action.ts';
import { expectFailure, reworded, statusOf } from '../../../failure.ts';
import { readMachine } from '../api/wire.ts';
import { clearedNote } from '../machine/failure-notes.ts';
import { machinePath, nameOf, type Session } from '../machine/session.ts';

/**
 * Forgets the failures of a machine that is Ready: claims it for a moment and gives it back, since MAAS keeps
 * the comment of a release among the machine's events. It is claimed under no instance's name, whose machine
 * it never is.
 */
export async function clearFailures(session: Session, systemId: string): Promise<Outcome> {
  const { client, deadline, log } = session;
  const busyTimeoutMs = 30_000;
  const claim = {
    what: `claim machine ${systemId}`,
    query: { op: 'allocate' },
    form: { system_id: systemId, comment: 'its failures are being cleared' },
  };
  const reply = await client
    .post('/machines/', { ...claim, deadline, busyTimeoutMs })
    .catch((thrown) => {
      if (statusOf(thrown) !== 409) throw thrown;
      const advice = 'Only a machine that is Ready can be cleared: ListMachines shows them';
      throw reworded(expectFailure(thrown), { advice });
    });
  const machine = readMachine(reply.json());
  const release = {
    what: `release machine ${systemId}`,
    query: { op: 'release' },
    form: { comment: `failures cleared ${clearedNote}` },
  };
  await client
    .post(machinePath(systemId), { ...release, deadline, busyTimeoutMs })
    .catch((thrown) => {
      const advice = `Machine ${systemId} is still claimed: release it in MAAS, then try again`;
      throw reworded(expectFailure(thrown), { advice });
    });
  log('machine.failures-cleared', { machine: systemId });
  return { message: `The failures of ${nameOf(machine)} are forgotten` };
}
