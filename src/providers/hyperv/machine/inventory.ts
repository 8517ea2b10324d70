import type { Instance, Segment } from '../../../contract/instance.ts';
import type { RemoteMachine } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { judge } from '../../../lifecycle/mark.ts';
import { steps } from '../api/commands.ts';
import type { Inventory, Listed, Listing } from '../api/wire.ts';
import { macWithColons } from './hardware.ts';
import { isReplica, lookAround, toSeen } from './listing.ts';
import { looseDisks } from './loose-disks.ts';
import { adopted, markFor, notesWith } from './notes.ts';
import { powerOf } from './orders.ts';
import { alone, type Rig } from './session.ts';
import { isBare, madeFor } from './unfinished.ts';

type Held = Inventory['machines'][number];

/** Every machine for `audit` and `adopt`, whoever made it; replicas are not theirs to judge. */
export async function machines(rig: Rig): Promise<readonly RemoteMachine[]> {
  const listing = await lookAround(rig);
  const bare = await bareOf(rig, listing);
  const { vhd_path: folder } = rig.settings;
  const inventory = await rig.host.ask(steps.inventory, { folder }, { paths: [folder] });
  const held = new Map(inventory.machines.map((machine) => [machine.id, machine]));
  const ours = listing.machines.filter((listed) => !isReplica(listed));
  const loose = await looseDisks(rig, ours.map(toSeen), inventory);
  return ours.map((listed) =>
    describe(listed, held.get(listed.id), bare.get(listed.id), loose.get(listed.id)),
  );
}

/** What a killed create made and could not mark any more, by its id, with its instance's name. */
async function bareOf(rig: Rig, { machines: all }: Listing): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const listed of all) {
    const made = madeFor(rig, listed);
    if (made === undefined) continue;
    const details = await rig.host.ask(steps.machine, { id: listed.id });
    if (isBare(details)) found.set(listed.id, made.name);
  }
  return found;
}

function describe(
  listed: Listed,
  held: Held | undefined,
  madeForName: string | undefined,
  loose: readonly string[] = [],
): RemoteMachine {
  const { remoteId, name = listed.name, mark } = toSeen(listed);
  const building = typeof mark === 'object' && mark.state === 'building';
  const remarks = [
    ...(madeForName === undefined
      ? []
      : [
          `it was made for ${madeForName} and never marked: stop or deploy ${madeForName}, which removes it, or remove it in Hyper-V`,
        ]),
    ...loose.map((path) => `${path} is its disk, and connected to nothing: ${remedy(building)}`),
    ...(listed.clustered ? ['it is a role of a failover cluster, which is not managed'] : []),
    ...(listed.state.endsWith('Critical') ? ['its storage cannot be reached'] : []),
  ];
  return {
    ...{ remoteId, name, mark, power: building ? 'unknown' : powerOf(listed.state) },
    ...(held === undefined ? {} : sizeOf(held)),
    ...(madeForName === undefined ? {} : { leftover: true }),
    ...(remarks.length === 0 ? {} : { remarks }),
  };
}

/** Whoever removes a machine in Hyper-V leaves its disks where they are. */
function remedy(building: boolean): string {
  const by = building ? 'stopping or deploying' : 'reinstalling or deleting';
  return `${by} the instance removes it, or delete it once you are sure`;
}

function sizeOf({ cpus, memory, adapters }: Held): Partial<RemoteMachine> {
  return {
    cpus,
    memoryBytes: memory,
    nics: adapters.map(({ mac, mode, vlan }) => ({
      mac: macWithColons(mac),
      ...segmentOf(mode, vlan),
    })),
  };
}

function segmentOf(mode: string, vlan: number): { readonly segment?: Segment } {
  if (mode === 'Untagged') return { segment: { kind: 'untagged' } };
  return mode === 'Access' ? { segment: { kind: 'vlan', id: vlan } } : {};
}

/** Marks a machine that nobody has marked, after a last look at all of them. */
export function adoptMachine(rig: Rig, remoteId: string, instance: Instance): Promise<void> {
  return alone(rig, instance, async () => {
    const { uuid, name } = instance;
    const { installation } = rig.context;
    const id = remoteId.toLowerCase();
    const refuse = (why: string): Failure =>
      new Failure('conflict', `Refused to mark ${remoteId} for ${name}: ${why}`, {
        advice: 'Look at both with `outrigger audit`',
      });
    const listing = await lookAround(rig);
    const seen = listing.machines.map(toSeen);
    const own = seen.find(({ mark, remoteId: there }) =>
      ['ours', 'copy'].includes(judge(mark, { uuid, installation, remoteId: there })),
    );
    if (own !== undefined) throw refuse(`it has ${own.remoteId} already`);
    const found = seen.find((each) => each.remoteId === id);
    if (found === undefined) throw refuse('there is no such machine');
    if (found.mark !== undefined) throw refuse('the machine carries a mark already');
    if (isReplica(found.listed)) throw refuse('it is a replica');
    if (found.listed.clustered) throw refuse('it is a role of a failover cluster');
    const mark = markFor(rig, instance, id, adopted);
    await rig.host.ask(steps.notes, { id, proof: '', notes: notesWith(found.listed.notes, mark) });
    rig.context.log('machine.adopted', { machine: id });
  });
}
