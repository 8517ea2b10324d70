import type { Preparation } from '../../contract/driver.ts';
import type { SizedInstance } from '../../contract/instance.ts';
import { statusOf } from '../../failure.ts';
import { showIfThere } from './find.ts';
import type { Rig } from './rig.ts';
import { candidateIds, noIdLeft } from './vmids.ts';

/** Chooses the id; reserves nothing and may be skipped. */
export async function prepare(rig: Rig, instance: SizedInstance): Promise<Preparation> {
  const machine = await showIfThere(rig, instance, 'create');
  const vmid = machine?.vmid ?? (await freeId(rig, instance));
  return { details: { proxmox_vmid: String(vmid) } };
}

async function freeId(rig: Rig, instance: SizedInstance): Promise<number> {
  for (const vmid of candidateIds(rig.settings, instance)) {
    if (await isFree(rig, vmid)) return vmid;
  }
  throw noIdLeft(rig.settings);
}

/** Asks for one id; what is taken by somebody we cannot see is known there too. */
async function isFree(rig: Rig, vmid: number): Promise<boolean> {
  try {
    const what = `ask whether the id ${vmid} is free`;
    await rig.api.get('/cluster/nextid', { what, query: { vmid } });
    return true;
  } catch (thrown) {
    if (statusOf(thrown) !== 400) throw thrown;
    return false;
  }
}
