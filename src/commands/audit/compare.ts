import type { Mark } from '../../contract/machine.ts';
import { withoutMachine } from './absent.ts';
import { driftOf } from './drift.ts';
import type { Finding } from './finding.ts';
import type { Listed, Lists } from './listed.ts';
import { placeOf, type Scan, type SeenMachine, type UnreachableHost } from './scan.ts';

/** Compares what stands on the remote systems with what CloudStack believes. */
export function compare(instances: readonly Listed[], scan: Scan): readonly Finding[] {
  const byUuid = new Map(instances.map((each) => [each.uuid, each]));
  const marked = scan.seenMachines.filter(isOurs);
  // A machine that a delete or Reinstall has released belongs to no instance; its remarks say if the release got stuck.
  const groups = groupByUuid(marked.filter(({ machine }) => machine.givenBack !== true));
  const known = groupByUuid(marked);
  return [
    ...scan.unreachable.map(unreachableHost),
    ...scan.seenMachines.filter(isUnreadable).map(unreadable),
    ...scan.seenMachines.flatMap((seenMachine) => foreignMark(seenMachine, byUuid)),
    ...[...groups].flatMap(([uuid, machines]) => judgeGroup(machines, byUuid.get(uuid))),
    ...instances.flatMap((instance) =>
      known.has(instance.uuid) ? [] : withoutMachine(instance, scan),
    ),
    ...scan.seenMachines.flatMap(remarks),
  ];
}

type Marked = SeenMachine & { readonly machine: { readonly mark: Mark } };

/** The findings of two looks at CloudStack: instances come and go while the hosts are asked. */
export async function lastingFindings(lists: Lists, seen: Scan): Promise<readonly Finding[]> {
  const first = compare(lists.instances, seen);
  if (first.length === 0) return first;
  const after = compare(await lists.again(), seen);
  const known = new Set(after.map((finding) => JSON.stringify(finding)));
  return first.filter((finding) => known.has(JSON.stringify(finding)));
}

/** Marks of another CloudStack are none of our business, templates never run. */
export function isOurs(seenMachine: SeenMachine): seenMachine is Marked {
  const { mark, template } = seenMachine.machine;
  if (typeof mark !== 'object') return false;
  if (template === true && mark.remoteId !== seenMachine.machine.remoteId) return false;
  const { installation } = mark;
  return (
    installation === '' ||
    seenMachine.openHosts.some((openHost) => openHost.installation === installation)
  );
}

type Group = [Marked, ...Marked[]];

function groupByUuid(machines: readonly Marked[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const each of machines) {
    const uuid = each.machine.mark.uuid.toLowerCase();
    const group = groups.get(uuid);
    if (group === undefined) groups.set(uuid, [each]);
    else group.push(each);
  }
  return groups;
}

function judgeGroup(machines: Group, instance: Listed | undefined): Finding[] {
  const [first] = machines;
  const { mark } = first.machine;
  const places = machines.map(placeOf).join(' and ');
  if (machines.length > 1 && machines.every((each) => isAlike(each, first))) {
    return [
      {
        ...{ severity: 'warning', kind: 'duplicate', subject: mark.name },
        found: `${places} carry the mark of one instance, have one id and one name, and are seen through several extensions`,
        advice:
          'Where these extensions lead to one system it is one machine: nothing is wrong. Where they do not, one is a copy: look before you remove anything',
      },
    ];
  }
  if (machines.length > 1) {
    return [
      {
        ...{ severity: 'critical', kind: 'duplicate', subject: mark.name },
        found: `${places} carry the mark of one instance`,
        advice: 'Remove the copy or its mark: until then nothing is done with this instance',
      },
    ];
  }
  if (mark.remoteId !== first.machine.remoteId) {
    return [
      {
        ...{ severity: 'critical', kind: 'copy', subject: mark.name },
        found: `${places} carries a mark that was written for ${mark.remoteId}: it is a clone or a restored backup`,
        advice:
          'Remove the mark from it, or the machine; where it replaces a lost original, adopt it',
      },
    ];
  }
  return instance === undefined ? [orphan(first)] : judgePair(first, instance);
}

/** The same id and name at the same product, through another extension. */
function isAlike(one: Marked, other: Marked): boolean {
  const [a, b] = [one.openHosts[0], other.openHosts[0]];
  const [c, d] = [one.machine, other.machine];
  if (c.remoteId !== d.remoteId || c.name !== d.name || a.provider.name !== b.provider.name) {
    return false;
  }
  return one === other || a.host.extension !== b.host.extension;
}

function orphan(seenMachine: Marked): Finding {
  const { mark } = seenMachine.machine;
  return {
    ...{ severity: 'warning', kind: 'orphan', subject: mark.name },
    found: `${placeOf(seenMachine)} belongs to an instance (${mark.uuid}) that CloudStack does not have`,
    advice: 'A failed create never gets a delete: remove the machine once you are sure',
  };
}

function judgePair(seenMachine: Marked, instance: Listed): Finding[] {
  const { machine } = seenMachine;
  const { mark } = machine;
  const place = placeOf(seenMachine);
  const subject = instance.name;
  if (instance.state === 'Error') {
    return [
      {
        ...{ severity: 'warning', kind: 'left-behind', subject },
        found: `${place} was left behind by a deployment that failed`,
        advice: 'Expunging the instance will not remove it: remove the machine by hand',
      },
    ];
  }
  const findings: Finding[] = instance.home === 'elsewhere' ? [otherHost(place, instance)] : [];
  if (mark.name !== instance.name) {
    findings.push({
      ...{ severity: 'warning', kind: 'renamed', subject },
      found: `the mark of ${place} names the instance ${mark.name}`,
      advice: 'Power reports go by the name: the mark has to carry it',
    });
  }
  if (mark.state === 'building' && !['Starting', 'Expunging'].includes(instance.state)) {
    findings.push({
      ...{ severity: 'warning', kind: 'partial', subject },
      found: `${place} was never finished, and the instance is ${instance.state}`,
      advice: 'Stopping the instance removes it',
    });
  }
  return [...findings, ...driftOf(machine, place, instance)];
}

/** Another extension that reports the machine by its name has drawn the instance to its host. */
function otherHost(place: string, { name, hostName = 'another host' }: Listed): Finding {
  return {
    ...{ severity: 'critical', kind: 'other-host', subject: name },
    found: `CloudStack has it on ${hostName}, which this provider does not serve, and ${place} is its machine`,
    advice:
      "The extension of that host reports our machines too and gets this instance's calls now: take the sight of them from its account, and the next report of our own host brings the instance back (docs/providers/proxmox.md, Beside the built-in extension)",
  };
}

function isUnreadable({ machine }: SeenMachine): boolean {
  return machine.mark === 'unreadable';
}

function unreadable(seenMachine: SeenMachine): Finding {
  return {
    ...{ severity: 'critical', kind: 'unreadable-mark', subject: seenMachine.machine.name || '?' },
    found: `the mark of ${placeOf(seenMachine)} cannot be read: it was damaged, or a later version wrote it`,
    advice: 'While it is there, no machine of that host can be proved missing: repair it',
  };
}

/** A mark for one of our instances that another CloudStack is said to have written. */
function foreignMark(seenMachine: SeenMachine, byUuid: ReadonlyMap<string, Listed>): Finding[] {
  const { mark, template } = seenMachine.machine;
  if (typeof mark !== 'object' || template === true || isOurs(seenMachine)) return [];
  const instance = byUuid.get(mark.uuid.toLowerCase());
  if (instance === undefined) return [];
  return [
    {
      ...{ severity: 'critical', kind: 'foreign-mark', subject: instance.name },
      found: `${placeOf(seenMachine)} is marked for it by installation "${mark.installation}", which is not this one`,
      advice: `If the extension has lost its id: \`outrigger register NAME --installation ${mark.installation}\` puts it back`,
    },
  ];
}

function remarks(seenMachine: SeenMachine): Finding[] {
  const { machine } = seenMachine;
  if (!isOurs(seenMachine) && machine.leftover !== true) return [];
  const subject = isOurs(seenMachine) ? seenMachine.machine.mark.name : machine.name;
  return (machine.remarks ?? []).map((remark) => ({
    ...{ severity: 'warning', kind: machine.leftover ? 'leftover' : 'remark', subject },
    found: `${placeOf(seenMachine)}: ${remark}`,
  }));
}

function unreachableHost({ host, why }: UnreachableHost): Finding {
  return { severity: 'unknown', kind: 'unreachable-host', subject: host, found: why };
}
