import type { Segment } from '../../contract/instance.ts';
import type { RemoteMachine } from '../../contract/machine.ts';
import type { Finding } from './finding.ts';
import type { Listed } from './listed.ts';

/** Where a machine differs from its instance: network, size, power. */
export function driftOf(machine: RemoteMachine, place: string, instance: Listed): Finding[] {
  return [
    ...networkDrift(machine, place, instance),
    ...sizeDrift(machine, place, instance),
    ...powerDrift(machine, place, instance),
  ];
}

function networkDrift(machine: RemoteMachine, place: string, instance: Listed): Finding[] {
  const { nics: wanted } = instance;
  const { nics: found } = machine;
  // A stopped machine is brought up to date by its next start.
  if (wanted === undefined || found === undefined || machine.power === 'off') return [];
  const subject = instance.name;
  const moved = wanted.flatMap(({ mac, segment }) => {
    const there = nameOf(found.find((nic) => nic.mac.toLowerCase() === mac)?.segment);
    const said = nameOf(segment);
    // Only what both sides can name.
    if (there === undefined || said === undefined || there === said) return [];
    const text = `NIC ${mac} of ${place} is on ${there}, CloudStack says ${said}`;
    const advice = "It may be on another tenant's network: stop it, and start it again afterwards";
    return [{ severity: 'critical', kind: 'vlan', subject, found: text, advice } as const];
  });
  const macs = found.map(({ mac }) => mac.toLowerCase());
  const missing = wanted.filter(({ mac }) => !macs.includes(mac)).map(({ mac }) => mac);
  const extra = macs.filter((mac) => !wanted.some((nic) => nic.mac === mac));
  return [
    ...moved,
    ...nicFinding(subject, missing, `are not on ${place}`),
    ...nicFinding(subject, extra, `of ${place} are not CloudStack's`),
  ];
}

function nicFinding(subject: string, macs: readonly string[], what: string): Finding[] {
  if (macs.length === 0) return [];
  const found = `NICs ${macs.join(', ')} ${what}`;
  const advice = 'Stop and start the instance: a start brings NICs to what CloudStack says';
  return [{ severity: 'warning', kind: 'nic', subject, found, advice }];
}

function nameOf(segment: Segment | undefined): string | undefined {
  if (segment?.kind === 'vlan') return `VLAN ${segment.id}`;
  if (segment?.kind === 'named') return `network ${segment.name}`;
  return segment?.kind === 'untagged' ? 'no VLAN' : undefined;
}

function sizeDrift(machine: RemoteMachine, place: string, instance: Listed): Finding[] {
  if (machine.power === 'off') return [];
  const gib = (bytes: number): string => `${Math.round((bytes / 1024 ** 3) * 100) / 100} GiB`;
  const differences = [
    ...pair(machine.cpus, instance.cpus, (count) => `${count} CPUs`),
    ...pair(machine.memoryBytes, instance.memoryBytes, gib),
  ];
  if (differences.length === 0) return [];
  const found = `${place} has ${differences.join(', and ')}`;
  const advice = 'A stop and a start bring the size to what CloudStack says and bills';
  return [{ severity: 'warning', kind: 'size', subject: instance.name, found, advice }];
}

function pair(
  found: number | undefined,
  wanted: number | undefined,
  shown: (value: number) => string,
): string[] {
  if (found === undefined || wanted === undefined || found === wanted) return [];
  return [`${shown(found)} where CloudStack says ${shown(wanted)}`];
}

function powerDrift({ power }: RemoteMachine, place: string, { name, state }: Listed): Finding[] {
  const wrong =
    (state === 'Running' && power === 'off') ||
    (['Stopped', 'Destroyed'].includes(state) && power === 'on');
  if (!wrong) return [];
  return [
    {
      ...{ severity: 'warning', kind: 'power', subject: name },
      found: `${place} is ${power}, CloudStack says ${state}`,
      advice:
        power === 'on'
          ? 'Check its VLANs before anything is started: its networks may have been given away'
          : 'The next ping of its host tells CloudStack; if it does not, look at the host',
    },
  ];
}
