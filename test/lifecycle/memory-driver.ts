import type { Context, Step, Undo } from '../../src/contract/context.ts';
import type { Driver, Making, Plan } from '../../src/contract/driver.ts';
import type { Machine, Mark, State } from '../../src/contract/machine.ts';
import { defineProvider, type Provider } from '../../src/contract/provider.ts';
import type { SnapshotDriver } from '../../src/contract/snapshot.ts';
import { Failure } from '../../src/failure.ts';
import { diskActions } from '../../src/lifecycle/disk-actions.ts';
import { type Verbs, verbsOf } from '../../src/lifecycle/index.ts';
import { snapshotActions } from '../../src/lifecycle/snapshot-actions.ts';
import { deadlineIn } from '../support/http-client.ts';
import { disksOf, type StoredDisk } from './memory-disks.ts';

export const installation = 'cloud-a';

/** A machine of a remote system that lives in this process. */
export interface Stored extends Machine {
  readonly name: string | undefined;
  readonly state: State;
  readonly cpus: number;
  readonly disk: string;
  readonly protected?: boolean;
  readonly announced?: boolean;
  readonly snapshots: readonly {
    readonly name: string;
    readonly disk: string;
    readonly cpus: number;
    /** The names of the data disks that were attached. */
    readonly attached?: readonly string[];
  }[];
  readonly disks?: readonly StoredDisk[];
}

export interface Settings {
  readonly adoptUnmarked?: boolean;
  readonly deleteAdopted?: boolean;
  readonly graceSeconds?: number;
  readonly nodes?: readonly string[];
  readonly otherNodes?: readonly string[];
  readonly snapshotMemory?: boolean;
  readonly maxDisks?: number;
  readonly maxDiskGb?: number;
  readonly allowedStorages?: readonly string[];
  readonly deleteDetachedDisks?: boolean;
}

/** Where the driver breaks off: at which changing primitive, before or after its change. */
export interface Break {
  readonly at: number;
  readonly how: 'before' | 'after';
  /** Every primitive that follows fails too, as if the process had been killed. */
  readonly lasts: boolean;
}

/** The remote system, with a record of every primitive that changes something. */
export class World {
  readonly machines = new Map<string, Stored>();
  readonly calls: string[] = [];
  readonly log: string[] = [];
  /** By event, the facts of its last line. */
  readonly facts = new Map<string, unknown>();
  settings: Settings = {};
  installation = installation;
  listens = true;
  break: Break | undefined;
  /** Called before a primitive of this name, as another call that comes between. */
  readonly before = new Map<string, () => void>();
  /** Replaces primitives, as a driver with a mistake in it. */
  replaced: Partial<Omit<Driver<Stored>, 'run'>> = {};
  /** Primitives that the driver does not have. */
  without: readonly ('console' | 'prepare' | 'snapshots' | 'disks' | 'claimRemoval')[] = [];
  private changes = 0;
  private nextId = 1;

  put(machine: Partial<Stored>): Stored {
    const remoteId = machine.remoteId ?? String(this.nextId++);
    const basis = {
      name: undefined,
      mark: undefined,
      state: 'off',
      cpus: 2,
      disk: 'old',
      snapshots: [],
    } as const;
    const whole: Stored = { ...basis, ...machine, remoteId };
    this.machines.set(remoteId, whole);
    return whole;
  }

  read(remoteId: string): Stored {
    const machine = this.machines.get(remoteId);
    if (machine === undefined) throw absent(remoteId);
    return machine;
  }

  set({ remoteId }: Machine, change: Partial<Stored>): Stored {
    return this.put({ ...this.read(remoteId), ...change });
  }

  /** Runs one changing primitive, broken off where the test says so. */
  async change<T>(name: string, work: () => T): Promise<T> {
    this.before.get(name)?.();
    this.before.delete(name);
    this.calls.push(name);
    this.changes += 1;
    const { at = 0, how, lasts = false } = this.break ?? {};
    const broken = this.changes === at || (lasts && at > 0 && this.changes > at);
    if (broken && (how === 'before' || this.changes > at)) throw brokenOff(name);
    const result = work();
    if (broken) throw brokenOff(name);
    return result;
  }

  /** Reading fails too once the process counts as killed. */
  readAll(): readonly Stored[] {
    const { at = 0, lasts = false } = this.break ?? {};
    if (lasts && at > 0 && this.changes >= at) throw brokenOff('list');
    return [...this.machines.values()];
  }

  mend(): void {
    this.break = undefined;
    this.changes = 0;
    this.calls.length = 0;
  }
}

function absent(remoteId: string): Failure {
  return new Failure('not-found', `There is no machine ${remoteId}`, { remote: { status: 404 } });
}

function brokenOff(name: string): Failure {
  return new Failure('upstream', `The connection broke at ${name}`);
}

export function contextOf(world: World, ms = 5_000): Context {
  return {
    deadline: deadlineIn(ms),
    log: (event, facts) => {
      world.log.push(event);
      world.facts.set(event, facts);
    },
    installation: world.installation,
    stateDirectory: () => '',
  };
}

const actions = {
  ...snapshotActions({ disks: 'disk', timeoutSeconds: 60 }),
  ...diskActions({ example: 'data-1', timeoutSeconds: 60 }),
  Show: { about: 'Shows it', parameters: {}, timeoutSeconds: 60, roles: [], wants: 'shown' },
  Change: { about: 'Changes it', parameters: {}, timeoutSeconds: 60, roles: [] },
  Poke: { about: 'Pokes it', parameters: {}, timeoutSeconds: 60, roles: [], wants: 'running' },
  Wipe: { about: 'Wipes it', parameters: {}, timeoutSeconds: 60, roles: [], destroysData: true },
  Idle: { about: 'Wants none', parameters: {}, timeoutSeconds: 60, roles: [], wants: 'none' },
} as const;

/** The verbs over the world, as the core asks for them. */
export function verbsIn(world: World, ms?: number): Verbs {
  return verbsOf(providerOf(world), {}, contextOf(world, ms));
}

export function providerOf(world: World): Provider {
  return defineProvider({
    ...{ name: 'memory', title: 'Memory', about: 'Machines in memory', prepares: true },
    ...{ settings: {}, blueprint: {}, stored: {}, actions },
    connect: () => {
      const driver = { ...driverOf(world), ...world.replaced };
      for (const primitive of world.without) delete driver[primitive];
      return driver;
    },
  });
}

interface Called {
  readonly machine: Stored | undefined;
  readonly undo: Undo;
}

function driverOf(world: World): Driver<Stored, Readonly<Record<string, unknown>>, typeof actions> {
  const { settings } = world;
  const handler = (name: string) => async (call: Called) => {
    call.undo.add(`take ${name} back`, async () => void world.calls.push(`${name} taken back`));
    await world.change(name, () => undefined);
    return { message: `${name} ${call.machine?.remoteId ?? 'none'}` };
  };
  return {
    policy: {
      ...{ adoptUnmarked: false, deleteAdopted: false, graceSeconds: 1, ...settings },
      ...{ nodes: settings.nodes, otherNodes: settings.otherNodes, maxSnapshots: 2 },
      ...{ maxDisks: settings.maxDisks ?? 3 },
    },
    storedId: ({ stored }) => stored['id'],
    list: async () => world.readAll(),
    describe: ({ remoteId, name = '', mark }) => ({ remoteId, name, mark, power: 'unknown' }),
    isAbsent: (thrown) => thrown instanceof Failure && thrown.remote.status === 404,
    state: async ({ state }) => state,
    hasHardware: async ({ cpus }, { instance }) => cpus === instance.cpus,
    guard: (machine) => (machine.protected ? 'is protected' : undefined),
    unadoptable: ({ name }) => (name === 'cluster' ? 'it is a role of a cluster' : undefined),
    prepare: async (_plan, { machine }) => ({ details: { id: machine?.remoteId ?? 'free' } }),
    make: (making) => make(world, making),
    powerOn: (machine, { instance }: Plan<unknown>) =>
      world.change('powerOn', () => world.set(machine, { state: 'on', cpus: instance.cpus })),
    resume: (machine) => world.change('resume', () => world.set(machine, { state: 'on' })),
    shutDown: (machine) =>
      world.change('shutDown', () => {
        if (world.listens) world.set(machine, { state: 'off' });
        return world.listens;
      }),
    cutPower: (machine) => world.change('cutPower', () => world.set(machine, { state: 'off' })),
    ensureStaysOff: (machine) =>
      world.change('ensureStaysOff', () => void world.read(machine.remoteId)),
    restart: (machine) => world.change('restart', () => void world.set(machine, { state: 'on' })),
    claimRemoval: (machine) =>
      world.change('claimRemoval', () => {
        const { mark } = world.read(machine.remoteId);
        if (typeof mark === 'object' && mark.state === 'built') return false;
        world.set(machine, { announced: true });
        return true;
      }),
    destroy: ({ remoteId }) => world.change('destroy', () => void world.machines.delete(remoteId)),
    writeMark: (machine, mark) => world.change('writeMark', () => writeMark(world, machine, mark)),
    snapshots: async () => snapshotsOf(world),
    disks: async () => disksOf(world),
    run: async () => ({
      Show: handler('Show'),
      Change: handler('Change'),
      Poke: handler('Poke'),
      Wipe: handler('Wipe'),
      Idle: handler('Idle'),
    }),
    console: async (_step, machine) => ({ kind: 'direct', url: (await machine()).remoteId }),
  };
}

async function make(
  world: World,
  { instance, partials, undo, markFor }: Making<Stored>,
): Promise<Stored> {
  for (const partial of partials) {
    await world.change('destroy', () => world.machines.delete(partial.remoteId));
  }
  const machine = await world.change('make', () => {
    const { remoteId } = world.put({ name: instance.name, disk: 'new' });
    return world.set(
      { remoteId, name: instance.name, mark: undefined },
      { mark: markFor(remoteId) },
    );
  });
  undo.add(`remove machine ${machine.remoteId}`, async () => {
    const { mark } = world.machines.get(machine.remoteId) ?? {};
    if (typeof mark !== 'object' || mark.state === 'built') return;
    await world.change('destroy', () => world.machines.delete(machine.remoteId));
  });
  return machine;
}

/** Compare-and-set, as a remote system with a digest or an ETag does it. */
function writeMark(world: World, machine: Stored, mark: Mark | undefined): Stored | 'lost' {
  const now = world.read(machine.remoteId);
  const same = JSON.stringify(now.mark) === JSON.stringify(machine.mark);
  if (!same || now.announced === true) return 'lost';
  return world.set(machine, { mark });
}

export function snapshotsOf(world: World): SnapshotDriver<Stored> {
  return {
    bootsAfterFailure: true,
    reserved: ['current'],
    list: async (machine: Stored, _step: Step) =>
      world.read(machine.remoteId).snapshots.map(({ name }) => ({ name, memory: false })),
    take: (machine, { name }) =>
      world.change('take', () => {
        const { disk, cpus, snapshots } = world.read(machine.remoteId);
        world.set(machine, { snapshots: [...snapshots, { name, disk, cpus }] });
      }),
    remove: (machine, { name }) =>
      world.change('remove', () => {
        const { snapshots } = world.read(machine.remoteId);
        world.set(machine, { snapshots: snapshots.filter((each) => each.name !== name) });
      }),
    restore: (machine, { name }) =>
      world.change('restore', () => {
        const saved = world.read(machine.remoteId).snapshots.find((each) => each.name === name);
        world.set(machine, {
          disk: saved?.disk ?? '',
          cpus: saved?.cpus ?? 0,
          mark: undefined,
          state: 'off',
          ...thatDays(world.read(machine.remoteId), saved?.attached),
        });
      }),
    keepToday: (machine) =>
      world.change('keepToday', () => {
        world.set(machine, { cpus: machine.cpus, mark: machine.mark });
      }),
    switchOn: (machine) => world.change('switchOn', () => void world.set(machine, { state: 'on' })),
  };
}

/** Disks that were not attached that day are parked. */
function thatDays({ disks }: Stored, attached: readonly string[] = []): Pick<Stored, 'disks'> {
  if (disks === undefined) return {};
  const place = (name: string) => (attached.includes(name) ? `slot-${name}` : undefined);
  return { disks: disks.map((disk) => ({ ...disk, slot: place(disk.name) })) };
}

/** Changes some of the primitives of snapshots. */
export function replaceSnapshots(world: World, primitives: Partial<SnapshotDriver<Stored>>): void {
  world.replaced = { snapshots: async () => ({ ...snapshotsOf(world), ...primitives }) };
}
