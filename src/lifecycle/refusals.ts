import type { Instance } from '../contract/instance.ts';
import type { Doubt, Machine, State } from '../contract/machine.ts';
import { Failure } from '../failure.ts';
import type { Claim } from './ownership.ts';

/* The failures that the rules of ownership and of an instance's life end with. */

/** The failure that a doubtful choice ends every changing action with. */
export function refusal(
  { doubt, machines }: { readonly doubt: Doubt; readonly machines: readonly Machine[] },
  claim: Claim,
): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(' and ');
  const why = [because[doubt], ...new Set(machines.flatMap(({ disowned = [] }) => disowned))];
  return new Failure('conflict', `Refused to touch ${claim.name}: ${ids} ${why.join(' ')}`, {
    advice: adviceFor(doubt, claim),
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
};

const adopt = 'Look at it with `outrigger audit` and settle it with `outrigger adopt`';

function adviceFor(doubt: Doubt, { adoptUnmarked }: Claim): string {
  const hasSetting = doubt === 'unmarked' && adoptUnmarked !== undefined;
  const setting = ', or set adopt_unmarked while taking over from another extension';
  return `${advice[doubt]}${hasSetting ? setting : ''}`;
}

const advice: Readonly<Record<Doubt, string>> = {
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
