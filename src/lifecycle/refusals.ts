import type { Instance } from '../contract/instance.ts';
import type { Doubt, Machine, State } from '../contract/machine.ts';
import { Failure } from '../failure.ts';
import { type Claim, otherInstallations } from './ownership.ts';

/* The failures that the rules of ownership and of an instance's life end with. */

/** The failure that a doubtful choice ends every changing action with. */
export function refusal(
  { doubt, machines }: { readonly doubt: Doubt; readonly machines: readonly Machine[] },
  claim: Claim,
): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(' and ');
  const others = otherInstallations(machines, claim.installation);
  const more =
    doubt === 'installation' ? others : machines.flatMap(({ disowned = [] }) => disowned);
  const why = [because[doubt], ...new Set(more)];
  return new Failure('conflict', `Refused to touch ${claim.name}: ${ids} ${why.join(' ')}`, {
    advice: doubt === 'installation' ? correctInstallation(claim, others) : adviceFor(doubt, claim),
    tenant: 'The machine of this instance cannot be told beyond doubt, so nothing was changed',
    facts: { doubt, uuid: claim.uuid, machines: machines.map(asFact) },
  });
}

const because: Readonly<Record<Doubt, string>> = {
  duplicate: 'carry its mark, and only one machine can be its own',
  copy: "carries its mark but was not made as this instance's machine: it is a copy",
  template: 'carries its mark but is a template now',
  unmarked: 'may be its machine but carries no mark',
  unreadable: 'carries a mark that cannot be read',
  disowned: 'carries its mark, but',
  installation: 'carries its UUID, but the mark is of the installation',
};

const adopt = 'Look at it with `outrigger audit` and settle it with `outrigger adopt`';

/** The id stands in two details, so that one that was lost by hand can be told from the other. */
function correctInstallation(
  { installation }: Pick<Claim, 'installation'>,
  others: readonly string[],
): string {
  const now = installation === '' ? 'is not set' : `is "${installation}", which no mark names`;
  const right = others.length === 1 ? `"${others[0]}"` : 'the id that the marks name';
  return `The detail "installation" of the extension ${now}: set it to ${right} again if these machines are this CloudStack's (outrigger register --installation)`;
}

type Advised = Exclude<Doubt, 'installation'>;

function adviceFor(doubt: Advised, { adoptUnmarked }: Claim): string {
  const hasSetting = doubt === 'unmarked' && adoptUnmarked !== undefined;
  const setting = ', or set adopt_unmarked while taking over from another extension';
  return `${advice[doubt]}${hasSetting ? setting : ''}`;
}

const advice: Readonly<Record<Advised, string>> = {
  duplicate: 'Remove the mark from the copy, or the copy itself: `outrigger audit` lists both',
  copy: adopt,
  template: 'Make a machine of it again, or take the mark away from the template',
  unmarked: adopt,
  unreadable: `Nothing is done to it until its mark is repaired. ${adopt}`,
  disowned:
    'The record of the remote system counts, not the mark: give the machine back to the account of this host, or remove it over there',
};

function asFact({ remoteId, name, mark }: Machine): Readonly<Record<string, unknown>> {
  return { remoteId, name, mark };
}

/** `place` says where else the machine may be. */
export function missing({ name, uuid }: Instance, place?: string): Failure {
  const besides = place === undefined ? '' : `; ${place}`;
  return new Failure('not-found', `There is no machine of ${name} (${uuid})${besides}`, {
    tenant: 'This instance has no machine',
  });
}

export function leavingMachines({ name }: Instance, machines: readonly Machine[]): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(' and ');
  return new Failure('conflict', `${name} has no machine any more: ${ids} is being given back`, {
    tenant: 'The machine of this instance is being given back',
  });
}

export function unfinished({ remoteId }: Machine, { name }: Instance): Failure {
  return new Failure('conflict', `Machine ${remoteId} of ${name} was never finished`, {
    advice: 'Stop the instance, which removes it',
    tenant: 'The instance was never finished',
  });
}

export function notRunning({ remoteId }: Machine, { name }: Instance, state: State): Failure {
  const text = `Machine ${remoteId} of ${name} is not running (${state})`;
  return new Failure('conflict', text, {
    advice: 'Start it first',
    tenant: 'The instance is not running',
  });
}

/** Changed under a running guest, its network would be another one than CloudStack believes. */
export function otherHardware({ remoteId }: Machine, { name }: Instance, state: State): Failure {
  const text = `Machine ${remoteId} of ${name} is ${words[state]} with other NICs, CPUs or memory than it should have`;
  return new Failure('conflict', text, {
    advice: state === 'saved' ? 'Resume it on its old network, or delete it' : 'Stop it first',
  });
}

const words: Readonly<Record<State, string>> = {
  on: 'running',
  paused: 'paused',
  off: 'off',
  saved: 'saved to disk',
  unknown: 'in an unknown state',
};

export function guarded({ remoteId }: Machine, { name }: Instance, how: string): Failure {
  return new Failure('conflict', `Machine ${remoteId} of ${name} ${how}`, {
    advice: 'Take the protection off if it may go',
    tenant: 'The machine of this instance is protected against removal; ask your administrator',
  });
}

/** Another call has begun to remove the machine while this one was finishing it. */
export function beingRemoved({ remoteId }: Machine, { name }: Instance): Failure {
  return new Failure(
    'conflict',
    `Another call has begun to take machine ${remoteId} of ${name} away`,
    {
      reason: 'taken-away',
      advice: 'Try again when that call has ended',
    },
  );
}

export function changedMeanwhile({ remoteId }: Machine, { name }: Instance): Failure {
  return new Failure('conflict', `Machine ${remoteId} was changed while ${name} was marked on it`, {
    advice: 'Look at it with `outrigger audit`, then try again',
  });
}

export function changedDisks({ remoteId }: Machine, { name }: Instance): Failure {
  const text = `The disks of machine ${remoteId} of ${name} were changed by another call again and again`;
  return new Failure('conflict', text, {
    advice: 'Look at its disks, then try again',
    tenant: 'Another action is at work on the disks of this instance; try again when it has ended',
  });
}

/** The operator wants them kept, and no remote system keeps a disk without its machine. */
export function hasDetachedDisks(
  { remoteId }: Machine,
  { name }: Instance,
  disks: readonly string[],
): Failure {
  const text = `Machine ${remoteId} of ${name} has detached disks, which would be deleted with it: ${disks.join(', ')}`;
  return new Failure('conflict', text, {
    advice:
      'Save what is on them and remove them with DeleteDisk, or set delete_detached_disks to true',
    tenant: 'This instance has detached disks, which have to be deleted first',
  });
}

export function refusedAdoption(remoteId: string, { name }: Instance, why: string): Failure {
  return new Failure('conflict', `Refused to mark ${remoteId} for ${name}: ${why}`, {
    advice: 'Look at both with `outrigger audit`',
  });
}

/** With machines that nothing is known of, no report of all instances is complete. */
export function unreadableMachines(machines: readonly Machine[]): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(', ');
  return new Failure(
    'upstream',
    `The machines ${ids} cannot be read, so that no list is complete`,
    {
      advice: 'Until they can be read, no machine can be proved missing',
    },
  );
}

/** An empty report would make CloudStack take every instance of the host for stopped. */
export function strangeInstallation(installation: string, others: readonly string[]): Failure {
  const own = installation === '' ? 'no installation' : `installation "${installation}"`;
  const text = `The machines here are marked by ${others.join(', ')}, and none by ${own}`;
  return new Failure('config', text, {
    advice: `${correctInstallation({ installation }, others)}. A CloudStack that has made no machine here yet may ignore this`,
  });
}

/** No mistake where no machine was made yet; elsewhere the settings may lead to another system. */
export function nothingMade(installation: string): Failure {
  const text = `No machine here carries a mark of installation "${installation}"`;
  return new Failure('not-found', text, {
    reason: 'nothing-made',
    advice:
      'Before the first machine is made this is as it should be; else url, pool or installation lead to another place than before, so that no instance counts as gone',
  });
}

/** The host would report none of the instances that it is there for. */
export function strangeNodes(nodes: readonly string[], known: readonly string[]): Failure {
  const text = `There is no node ${nodes.join(', ')}, so that no list is complete`;
  return new Failure('config', text, {
    advice: `Correct "node" and "nodes" of the host; the nodes are ${known.join(', ')}`,
  });
}
