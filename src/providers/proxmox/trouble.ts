import { Failure, type FailureOptions } from '../../failure.ts';
import type { Reply } from '../../kit/http/reply.ts';

/** What was tried, for texts: `what` completes "Could not ...". */
export interface Tried {
  readonly what: string;
  /** `user@realm!name` */
  readonly token: string;
}

interface Said {
  readonly text: string;
  readonly errors: Readonly<Record<string, string>>;
}

/** The failure behind an answer that is no success. */
export function failureOf(reply: Reply, tried: Tried): Failure {
  const said = textOf(reply);
  if (reply.status === 401) return refusedToken(said.text, reply.endpoint, tried);
  if (reply.status === 403) return missingRight(said.text, tried);
  if (reply.status === 400) return badParameters(said, tried);
  if (reply.status === 595) return unreachableNode(said.text, tried);
  if (reply.status === 500) return failureOfText(said.text, tried, 500);
  return fail('upstream', tried, `${reply.status} ${said.text}`, {
    facts: factsOf(reply.status, said.text),
  });
}

/** The whole text is in `message`, or before January 2025 only its first line in the status line. */
function textOf(reply: Reply): Said {
  let body: unknown;
  try {
    body = reply.text.startsWith('{') ? reply.json() : undefined;
  } catch {
    body = undefined;
  }
  const { message, errors } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const text = typeof message === 'string' && message.trim() !== '' ? message : reply.reason;
  return {
    text: text.trim(),
    errors: typeof errors === 'object' && errors !== null ? (errors as Record<string, string>) : {},
  };
}

function factsOf(status: number, text: string): FailureOptions['facts'] & object {
  return { status, text };
}

function fail(
  kind: Failure['kind'],
  { what }: Pick<Tried, 'what'>,
  said: string,
  options: FailureOptions,
): Failure {
  return new Failure(kind, `Could not ${what}: ${said}`, options);
}

/** All of these take three seconds, and every other call will meet the same. */
function refusedToken(text: string, endpoint: string, tried: Tried): Failure {
  const expired = /access expired/.test(text);
  const why = /invalid token value/.test(text)
    ? 'its secret is a wrong one'
    : expired
      ? 'it has expired'
      : /no such token|no such user/.test(text)
        ? 'there is no such token'
        : text;
  return new Failure('denied', `${endpoint} refused the API token ${tried.token}: ${why}`, {
    outage: true,
    advice: expired
      ? `On a node: pveum user token modify ${shell(tried.token)} --expire 0, or make a new token`
      : 'Compare user, token and secret with the cluster (pveum user token list), on every management server',
    facts: factsOf(401, text),
  });
}

const right = /^Permission check failed \((\/[^,]*), ([^)]*)\)/;

function missingRight(text: string, tried: Tried): Failure {
  const [, path, names] = right.exec(text) ?? [];
  const tag = /for modifying tag/.test(text);
  return fail('denied', tried, `the token ${tried.token} lacks a right: ${text}`, {
    advice: tag
      ? 'The cluster does not let it write this tag: see user-tag-access and registered-tags in the datacenter options'
      : path === undefined
        ? 'Compare its rights with those that `outrigger doctor` asks for'
        : `It needs ${names} on ${path}: pveum acl modify ${path} --tokens ${shell(tried.token)} --roles ROLE, and the same for its user`,
    facts: factsOf(403, text),
  });
}

function shell(text: string): string {
  return `'${text}'`;
}

function badParameters({ text, errors }: Said, tried: Tried): Failure {
  const named = Object.entries(errors).map(([key, error]) => `${key}: ${String(error).trim()}`);
  return fail('upstream', tried, named.length === 0 ? text : named.join('; '), {
    facts: { ...factsOf(400, text), errors },
  });
}

/** Another node of the cluster that the one we talk to cannot reach. */
function unreachableNode(text: string, tried: Tried): Failure {
  return fail('unreachable', tried, `the node does not answer (${text})`, {
    outage: false,
    advice: 'Is the node up? Nothing is known of its machines until then',
    facts: factsOf(595, text),
  });
}

type Meaning = readonly [pattern: RegExp, kind: Failure['kind'], advice?: string, tenant?: string];

const busy = 'The machine of this instance is busy (a backup or the like); please try again later';

/** Texts that qemu-server, pve-storage and pve-cluster emit, and what to do about each. */
const meanings: readonly Meaning[] = [
  [
    /^VM is locked \((clone|create)\)|VM is locked \((clone|create)\)$/,
    'conflict',
    'If no task works on it, root has to run `qm unlock` for it on its node, then look at `outrigger audit`',
    busy,
  ],
  [
    /VM is locked \(suspend(ed|ing)\)/,
    'conflict',
    'Its memory is saved to disk: start it, or delete it',
    'The memory of this instance is saved to disk; start it first',
  ],
  [/VM is locked \(/, 'conflict', 'Wait until the task that holds the lock has ended', busy],
  [/can't lock file '[^']*' - got timeout/, 'conflict', 'Another task works on it: wait', busy],
  [
    /checksum mismatch|detected modified configuration/,
    'conflict',
    'Somebody else changed it at the same moment: look at it, then try again',
  ],
  [
    /no quorum|\/etc\/pve\/.* - Permission denied/,
    'upstream',
    'The cluster has no quorum: nothing was changed, and nothing can be until it is back (pvecm status)',
  ],
  [
    /^hostname lookup '|^no such cluster node '/,
    'config',
    'Check the names in node, nodes and other_nodes',
  ],
  [
    /storage '[^']*' (does not exist|is disabled|is not available on node)|unable to activate storage/,
    'config',
    'Check the setting storage against Datacenter > Storage',
  ],
  [
    /Linked clone feature is not supported/,
    'config',
    'The storage of the template cannot link: set is_full_clone to true',
  ],
  [
    /VM uses local storage/,
    'config',
    'Give a template for each node: template_id=pve1=9000,pve2=9001',
  ],
  [
    /bridge '[^']*' does not exist|no such network|start failed/,
    'upstream',
    'Check bridge, vnet and the log of the task on the node',
  ],
  [/^volume '[^']*' does not exist/, 'not-found', 'Check iso_path and the disks of the machine'],
  [
    /snapshot feature is not available/,
    'unsupported',
    'The storage of its disks cannot make snapshots',
    'The storage of this instance cannot make snapshots',
  ],
  [
    /protection mode enabled/,
    'conflict',
    'Take the protection off if it may go',
    'The machine of this instance is protected against removal; ask your administrator',
  ],
  [
    /No space left|not enough (free )?space|out of space/i,
    'conflict',
    'Free space on the storage, or choose another',
  ],
];

/** The failure behind a text of Proxmox VE: of an answer, or the end of a task. */
export function failureOfText(text: string, tried: Pick<Tried, 'what'>, status?: number): Failure {
  const [, kind, advice, tenant] = meanings.find(([pattern]) => pattern.test(text)) ?? [];
  return fail(kind ?? 'upstream', tried, text, {
    facts: { ...(status === undefined ? { exit: text } : factsOf(status, text)) },
    ...(advice === undefined ? {} : { advice }),
    ...(tenant === undefined ? {} : { tenant }),
  });
}

/** What Proxmox VE said, in its own words; empty for trouble on the way. */
export function saidBy(failure: Failure): string {
  const { text, exit } = failure.facts;
  return typeof text === 'string' ? text : typeof exit === 'string' ? exit : '';
}

export function statusOf(failure: Failure): number | undefined {
  const { status } = failure.facts;
  return typeof status === 'number' ? status : undefined;
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
