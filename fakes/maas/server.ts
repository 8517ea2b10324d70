import type { World } from './collection.ts';
import { type Gate, type GateOptions, openGate } from './gate.ts';
import { type FakeMachine, newMachine } from './machine.ts';
import { createDoorkeeper, type FakeUser } from './oauth.ts';
import { createRouter } from './router.ts';
import { createLife, type Timings } from './state.ts';

export interface FakeMaas extends Gate {
  readonly world: World;
  readonly user: FakeUser;
  readonly users: readonly FakeUser[];
  add(more?: Partial<FakeMachine>): FakeMachine;
  machine(systemId: string): FakeMachine;
  /** Shifts the clock of the fake against ours. */
  setClock(aheadMs: number): void;
  openGate(): Promise<Gate>;
  close(): Promise<void>;
}

export interface Options extends GateOptions {
  readonly timings?: Partial<Timings>;
  readonly version?: string;
}

const usual: Timings = {
  deployMs: 40,
  powerMs: 10,
  releaseMs: 30,
  eraseMs: 40,
  busyMs: 20,
  bmcMs: 0,
  nodeTimeoutMs: 60_000,
};

export async function startMaas(options: Options = {}): Promise<FakeMaas> {
  const users: FakeUser[] = [
    { name: 'cloudstack', admin: false, key: 'c0nsumer1:t0kenOne:s3cretOne' },
    { name: 'root', admin: true, key: 'c0nsumer2:t0kenTwo:s3cretTwo' },
    { name: 'juju', admin: false, key: 'c0nsumer3:t0kenThree:s3cretThree' },
  ];
  const life = createLife({ ...usual, ...options.timings });
  const world: World = {
    machines: new Map(),
    life,
    pools: new Set(['default']),
    tags: new Set(),
    architectures: new Set(['amd64', 'arm64', 'i386']),
    series: new Set(['ubuntu/jammy', 'ubuntu/noble', 'ubuntu/focal', 'centos/centos70']),
  };
  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;
  const mayEnter = createDoorkeeper(users, now);
  const serve = createRouter(world, mayEnter, options.version ?? '3.4.2');
  const gates: { gate: Gate; close: () => Promise<void> }[] = [];
  const open = async (): Promise<Gate> => {
    const opened = await openGate(options, serve, now);
    gates.push(opened);
    return opened.gate;
  };
  const main = await open();
  return {
    ...main,
    world,
    users,
    user: users[0] as FakeUser,
    openGate: open,
    add(more) {
      const machine = newMachine(more);
      world.machines.set(machine.systemId, machine);
      return machine;
    },
    machine(systemId) {
      const machine = world.machines.get(systemId);
      if (machine === undefined) throw new Error(`the fake has no machine ${systemId}`);
      return machine;
    },
    setClock(ms) {
      aheadMs = ms;
    },
    async close() {
      life.stop();
      await Promise.all(gates.map(({ close }) => close()));
    },
  };
}
