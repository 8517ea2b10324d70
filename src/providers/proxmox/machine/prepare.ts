import type { Found, Preparation } from '../../../contract/driver.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { refusal } from '../../../lifecycle/refusals.ts';
import { claimOf, findMachine } from './find.ts';
import { candidateIds, type Machine, noIdLeft } from './machine.ts';
import { isFree } from './makers.ts';
import type { Session } from './session.ts';

/** Chooses the id; reserves nothing and may be skipped. */
export async function prepare(
  session: Session,
  instance: SizedInstance,
  { machine, partials: [partial] }: Found<Machine>,
): Promise<Preparation> {
  const vmid = (machine ?? partial)?.vmid ?? (await freeId(session, instance));
  return { details: { proxmox_vmid: String(vmid) } };
}

/** An id that is taken may be that of this instance's own machine, which the token does not see yet. */
async function freeId(session: Session, instance: SizedInstance): Promise<number> {
  let isSought = false;
  for (const vmid of candidateIds(session.settings, instance)) {
    if (await isFree(session, vmid)) return vmid;
    const own = isSought ? undefined : await madeMeanwhile(session, instance);
    if (own !== undefined) return own.vmid;
    isSought = true;
  }
  throw noIdLeft(session.settings);
}

/** The machine that another call for the instance has made. */
export async function madeMeanwhile(
  session: Session,
  instance: SizedInstance,
): Promise<Machine | undefined> {
  const choice = await findMachine(session, instance, 'create', { mayBeMade: true });
  if (choice.kind === 'own') return choice.machine;
  if (choice.kind === 'doubtful') throw refusal(choice, claimOf(session, instance));
  if (choice.kind !== 'adoptable') return undefined;
  const { vmid } = choice.machine;
  throw new Failure('conflict', `Machine ${vmid} was named ${instance.name} meanwhile`, {
    reason: 'taken-away',
  });
}
