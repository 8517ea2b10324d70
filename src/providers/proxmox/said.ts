import type { Failure } from '../../failure.ts';

/** What Proxmox VE said, in its own words; empty for trouble on the way. */
export function saidBy(failure: Failure): string {
  const { text, exit } = failure.facts;
  return typeof text === 'string' ? text : typeof exit === 'string' ? exit : '';
}

export function statusOf(failure: Failure): number | undefined {
  const { status } = failure.facts;
  return typeof status === 'number' ? status : undefined;
}

/** The task has done what it was for, if perhaps with warnings. */
export function endedWell(exit: string | undefined): boolean {
  return /^(OK|WARNINGS: \d+)$/.test(exit ?? '');
}

/** qemu-server says so of this very machine; it may have moved to another node all the same. */
export function isAbsentHere(failure: Failure, vmid: number): boolean {
  const said = saidBy(failure);
  return (
    new RegExp(
      `^Configuration file 'nodes/[^/']+/qemu-server/${vmid}\\.conf' does not exist$`,
    ).test(said) ||
    new RegExp(`^unable to find configuration file for VM ${vmid} on node '[^']+'$`).test(said)
  );
}

/** Somebody was faster with this id; nothing of ours was made under it. */
export function isTaken(failure: Failure, vmid: number): boolean {
  return new RegExp(
    `unable to create VM ${vmid}(: config file already exists| - VM ${vmid} already exists on node '[^']+')`,
  ).test(saidBy(failure));
}

/** It was not what the digest said any more, and nothing was written. */
export function isChanged(failure: Failure): boolean {
  return /checksum mismatch|detected modified configuration/.test(saidBy(failure));
}

/** Nothing has been done yet, and in a moment it may well be possible. */
export function isPassing(failure: Failure): boolean {
  return /can't lock file '\/var\/lock\/qemu-server\/lock-\d+\.conf' - got timeout|got no worker upid|cfs-lock '[^']*' error: got lock request timeout/.test(
    saidBy(failure),
  );
}
