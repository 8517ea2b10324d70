import { Failure, remoteMessage } from '../../../failure.ts';

/* The texts of Proxmox VE that code goes on by; errors.ts writes for people. */

/** The task has done what it was for, if perhaps with warnings. */
export function endedWell(exit: string | undefined): boolean {
  return /^(OK|WARNINGS: \d+)$/.test(exit ?? '');
}

/** qemu-server says so of this very machine; it may have moved to another node all the same. */
export function isAbsentHere(thrown: unknown, vmid: number): boolean {
  const text = remoteMessage(thrown);
  return (
    new RegExp(
      `^Configuration file 'nodes/[^/']+/qemu-server/${vmid}\\.conf' does not exist$`,
    ).test(text) ||
    new RegExp(`^unable to find configuration file for VM ${vmid} on node '[^']+'$`).test(text)
  );
}

/** Another machine has this id; Proxmox VE made nothing of ours under it. */
export function isIdInUse(thrown: unknown, vmid: number): boolean {
  return new RegExp(
    `unable to create VM ${vmid}(: config file already exists| - VM ${vmid} already exists on node '[^']+')`,
  ).test(remoteMessage(thrown));
}

/** The digest that was sent is not the current one any more, and nothing was written. */
export function isChanged(thrown: unknown): boolean {
  return /checksum mismatch|detected modified configuration/.test(remoteMessage(thrown));
}

/** A running machine did not take the change, which is stored for its next start all the same. */
export function isHotplugProblem(thrown: unknown): boolean {
  if (!(thrown instanceof Failure)) return false;
  return Object.values(thrown.remote.errors ?? {}).some((text) =>
    /^hotplug problem/.test(String(text)),
  );
}

/** Nothing has been done yet, and in a moment it may well be possible. */
export function isTransient(thrown: unknown): boolean {
  return /can't lock file '\/var\/lock\/qemu-server\/lock-\d+\.conf' - got timeout|got no worker upid|cfs-lock '[^']*' error: got lock request timeout/.test(
    remoteMessage(thrown),
  );
}
