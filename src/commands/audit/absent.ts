import type { Finding } from './finding.ts';
import type { Listed } from './listed.ts';
import { placeOf, type Scan, type SeenMachine } from './scan.ts';

/** States in which an instance has a machine for certain, or may have none yet. */
const hasMachine = new Set(['Running', 'Stopping', 'Migrating']);
const mayHaveMachine = new Set(['Stopped', 'Destroyed']);

/** The findings about an instance whose mark no machine carries. */
export function withoutMachine(instance: Listed, { seenMachines, unreachable }: Scan): Finding[] {
  const running = hasMachine.has(instance.state);
  if (!running && !mayHaveMachine.has(instance.state)) return [];
  const severity = running ? 'critical' : 'warning';
  const candidates = seenMachines.filter((seenMachine) => mayBe(seenMachine, instance));
  if (candidates.length > 0) {
    return [
      {
        ...{ severity, kind: 'lost-mark', subject: instance.name },
        found: `no machine carries its mark, but ${candidates.map(placeOf).join(' and ')} may be it`,
        advice: 'Settle it with `outrigger adopt --plan`',
      },
    ];
  }
  // A machine on a host that could not be asked is not missing, nor is one of another extension.
  if (unreachable.length > 0 || instance.home !== 'here') return [];
  return [
    {
      ...{ severity, kind: 'missing', subject: instance.name },
      found: `CloudStack says ${instance.state}, and no host has a machine for it`,
      advice: running
        ? 'Was it removed outside of CloudStack, or moved to where no host looks?'
        : 'It may never have been started; starting it will tell',
    },
  ];
}

function mayBe({ machine, openHosts }: SeenMachine, instance: Listed): boolean {
  if (machine.mark !== undefined || machine.template === true) return false;
  if (machine.name.toLowerCase() === instance.name.toLowerCase()) return true;
  return openHosts.some(({ provider }) =>
    Object.keys(provider.stored).some((key) => instance.details[key] === machine.remoteId),
  );
}
