import type { Listed } from '../audit/listed.ts';
import type { SeenMachine } from '../audit/scan.ts';

/** An instance and the machine that is to be marked for it, and why. */
export interface Match {
  readonly instance: Listed;
  readonly seenMachine: SeenMachine;
  readonly reasons: readonly string[];
}

/** An instance whose machine cannot be told, and why not. */
export interface Undecided {
  readonly instance: Listed;
  readonly why: string;
  /** How many unmarked machines may be it. */
  readonly candidates: number;
}

export interface Matches {
  readonly matches: readonly Match[];
  readonly undecided: readonly Undecided[];
}

/** The reasons for and against a machine being an instance's. */
interface Evidence {
  readonly seenMachine: SeenMachine;
  readonly reasons: readonly string[];
  readonly against: readonly string[];
}

/**
 * Finds the machine of each instance. One reason alone is chance: two have to agree, nothing may
 * speak against it, and neither side may have another candidate.
 */
export function matchAll(
  instances: readonly Listed[],
  free: readonly SeenMachine[],
  unreadable: readonly SeenMachine[],
): Matches {
  const weighed = instances.map((instance) => ({
    instance,
    candidates: free
      .map((seenMachine) => weigh(instance, seenMachine))
      .filter(({ reasons }) => reasons.length > 0),
  }));
  const claims = new Map<SeenMachine, number>();
  for (const { seenMachine } of weighed.flatMap(({ candidates }) => candidates)) {
    claims.set(seenMachine, (claims.get(seenMachine) ?? 0) + 1);
  }
  const matches: Match[] = [];
  const undecided: Undecided[] = [];
  for (const { instance, candidates } of weighed) {
    const found = damaged(instance, unreadable) ?? theOne(candidates, claims);
    if (typeof found === 'string') {
      undecided.push({ instance, why: found, candidates: candidates.length });
    } else matches.push({ instance, seenMachine: found.seenMachine, reasons: found.reasons });
  }
  return { matches, undecided };
}

/** A mark that cannot be read may be the instance's own. */
function damaged({ name }: Listed, unreadable: readonly SeenMachine[]): string | undefined {
  const suspect = unreadable.find(({ machine }) => ['', name].includes(machine.name));
  if (suspect === undefined) return undefined;
  return `machine ${suspect.machine.remoteId} carries a mark that cannot be read and may be its own`;
}

/** The candidate that is the instance's machine without doubt, or the doubt. */
function theOne(
  candidates: readonly Evidence[],
  claims: ReadonlyMap<SeenMachine, number>,
): Evidence | string {
  const [only, second] = candidates;
  if (only === undefined) {
    return 'no unmarked machine has its name, its stored id or its MAC addresses';
  }
  if (second !== undefined) {
    return `more than one machine may be it: ${candidates.map(inWords).join('; ')}`;
  }
  if (only.against.length > 0) return `${inWords(only)}, but ${only.against.join(' and ')}`;
  if ((claims.get(only.seenMachine) ?? 0) > 1) {
    return `${inWords(only)}, but the same machine may be another instance's`;
  }
  if (only.reasons.length === 1) return `${inWords(only)}, and nothing else: that may be chance`;
  return only;
}

function inWords({ seenMachine, reasons }: Evidence): string {
  return `machine ${seenMachine.machine.remoteId} (${seenMachine.machine.name}) has ${reasons.join(' and ')}`;
}

function weigh(instance: Listed, seenMachine: SeenMachine): Evidence {
  const { machine } = seenMachine;
  const stored = storedIds(instance, seenMachine);
  const macs = instance.nics?.map(({ mac }) => mac) ?? [];
  const found = machine.nics?.map(({ mac }) => mac.toLowerCase()) ?? [];
  const missing = macs.filter((mac) => !found.includes(mac));
  return {
    seenMachine,
    reasons: [
      ...(stored.includes(machine.remoteId) ? ['the stored id'] : []),
      ...(machine.name === instance.name ? ['the name'] : []),
      ...(macs.length > 0 && missing.length === 0 ? ['all MAC addresses'] : []),
    ],
    against: [
      ...(stored.length > 0 && !stored.includes(machine.remoteId)
        ? [`the stored id is ${stored.join(', ')}`]
        : []),
      // A host that shows no NIC at all says nothing about them.
      ...(found.length > 0 && missing.length > 0
        ? [`${missing.length} of ${macs.length} MAC addresses are not on it`]
        : []),
    ],
  };
}

/** Details in which the provider stores where the machine is; tenants can edit them. */
function storedIds({ details }: Listed, { openHosts }: SeenMachine): string[] {
  const keys = new Set(openHosts.flatMap(({ provider }) => Object.keys(provider.stored)));
  return [...keys]
    .filter((key) => /id$/i.test(key))
    .map((key) => details[key] ?? '')
    .filter((id) => id !== '');
}
