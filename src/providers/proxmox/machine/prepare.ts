import type { Preparation } from '../../../contract/driver.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { statusOf } from '../../../failure.ts';
import { showIfThere } from './find.ts';
import type { Session } from './session.ts';
import { candidateIds, noIdLeft } from './vmids.ts';

/** Chooses the id; reserves nothing and may be skipped. */
export async function prepare(session: Session, instance: SizedInstance): Promise<Preparation> {
  const machine = await showIfThere(session, instance, 'create');
  const vmid = machine?.vmid ?? (await freeId(session, instance));
  return { details: { proxmox_vmid: String(vmid) } };
}

async function freeId(session: Session, instance: SizedInstance): Promise<number> {
  for (const vmid of candidateIds(session.settings, instance)) {
    if (await isFree(session, vmid)) return vmid;
  }
  throw noIdLeft(session.settings);
}

/** Asks for one id; what is taken by somebody we cannot see is known there too. */
async function isFree(session: Session, vmid: number): Promise<boolean> {
  try {
    const what = `ask whether the id ${vmid} is free`;
    await session.api.get('/cluster/nextid', { what, query: { vmid } });
    return true;
  } catch (thrown) {
    if (statusOf(thrown) !== 400) throw thrown;
    return false;
  }
}
