import type { ServerResponse } from 'node:http';
import { type FakeServer, type Seen, startServer } from '../../fakes/http/server.ts';

/** A machine as the API shows it, and what only its disk and its power supply know. */
export interface FakeMachine {
  id: string;
  name: string;
  notes: string;
  power: 'on' | 'off';
  template: boolean;
  locked: boolean;
  cpus: number;
  memoryMb: number;
  nics: { mac: string; vlan: number | null }[];
  version: number;
  key: string;
  disk: string;
  boots: number;
}

/** The fate of a request: lost on its way, or done and its answer lost. */
export type Fault = 'lost-request' | 'lost-answer' | number;

export interface FakeAcme {
  readonly url: string;
  readonly token: string;
  readonly machines: Map<string, FakeMachine>;
  readonly options: { taskMs: number; deaf: boolean; blind: boolean; freeMb: number };
  add(machine: Partial<FakeMachine>): FakeMachine;
  /** Asks about every request what shall become of it. */
  disturb(judge: ((seen: Seen) => Fault | undefined) | undefined): void;
  close(): Promise<void>;
}

/** Starts the fake on loopback: stateful, and as strict as Acme. */
export async function startAcme(): Promise<FakeAcme> {
  const machines = new Map<string, FakeMachine>();
  const options = { taskMs: 5, deaf: false, blind: false, freeMb: Number.POSITIVE_INFINITY };
  const token = 's3cret-of-acme';
  let nextId = 100;
  let judge: ((seen: Seen) => Fault | undefined) | undefined;
  const add = (given: Partial<FakeMachine>): FakeMachine => {
    nextId += 1;
    const id = String(nextId);
    const basis = { name: '', notes: '', power: 'off', template: false, locked: false } as const;
    const hardware = { cpus: 1, memoryMb: 512, nics: [], version: 1, boots: 0 };
    const disk = `disk of ${id}`;
    const machine = { ...basis, ...hardware, key: '', disk, ...given, id };
    machines.set(id, machine);
    return machine;
  };
  const answer = async (seen: Seen): Promise<readonly [number, unknown?]> => {
    if (seen.headers.authorization !== `Bearer ${token}`) return [401, { error: 'who are you' }];
    if (options.blind) return [403, { error: 'the token has no right on machines' }];
    const [, collection, id = '', action] = seen.target.split('/');
    if (collection !== 'machines') return [404, { error: 'no such path' }];
    const body = seen.body === '' ? {} : (JSON.parse(seen.body) as Readonly<Record<string, never>>);
    if (seen.method === 'GET') return [200, [...machines.values()].map(shown)];
    if (seen.method === 'POST' && id === '') return make(body);
    const machine = machines.get(decodeURIComponent(id));
    if (machine === undefined) return [404, { error: `no machine ${id}` }];
    if (action === 'power') return power(machine, body['to']);
    if (seen.method === 'DELETE') return remove(machine);
    return change(machine, seen.headers['if-match'], body);
  };
  // A task that is still waiting when its test has ended must not keep the process.
  const task = () =>
    new Promise<void>((resolve) => void setTimeout(resolve, options.taskMs).unref());
  const make = async (given: Partial<FakeMachine>): Promise<readonly [number, unknown?]> => {
    const same = [...machines.values()].find(({ key }) => key !== '' && key === given.key);
    if (same !== undefined) return [200, shown(same)];
    if ((given.memoryMb ?? 0) > options.freeMb) return [507, { error: 'no memory is left' }];
    const machine = add(given);
    await task();
    return [201, shown(machine)];
  };
  const power = async (machine: FakeMachine, to = ''): Promise<readonly [number, unknown?]> => {
    if (!['on', 'off', 'shutdown', 'restart'].includes(to)) return [400, { error: 'to what?' }];
    if (to === 'shutdown' && options.deaf) return [200, shown(machine)];
    await task();
    const starts = to === 'restart' || (to === 'on' && machine.power === 'off');
    if (starts) machine.boots += 1;
    machine.power = to === 'on' || to === 'restart' ? 'on' : 'off';
    return [200, shown(machine)];
  };
  const remove = (machine: FakeMachine): readonly [number, unknown?] => {
    if (machine.locked) return [409, { error: 'the machine is locked' }];
    machines.delete(machine.id);
    return [204];
  };
  const server: FakeServer = await startServer((seen, response) => {
    const fault = judge?.(seen);
    if (typeof fault === 'number') return reply(response, [fault, { error: 'Not Found' }]);
    if (fault === 'lost-request') return void response.destroy();
    answer(seen).then(
      (given) => (fault === undefined ? reply(response, given) : void response.destroy()),
      () => reply(response, [500, { error: 'the fake broke' }]),
    );
  });
  return {
    ...{ url: server.url, token, machines, options, add, close: server.close },
    disturb: (next) => {
      judge = next;
    },
  };
}

function change(
  machine: FakeMachine,
  version: string | undefined,
  given: Partial<FakeMachine>,
): readonly [number, unknown?] {
  if (version !== String(machine.version)) return [412, { error: 'it has been changed' }];
  if (given.cpus !== undefined && machine.power === 'on') return [409, { error: 'it is on' }];
  Object.assign(machine, given, { version: machine.version + 1 });
  return [200, shown(machine)];
}

function shown({ key: _, disk: __, boots: ___, ...machine }: FakeMachine): unknown {
  return machine;
}

function reply(response: ServerResponse, [status, json]: readonly [number, unknown?]): void {
  const text = json === undefined ? '' : JSON.stringify(json);
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}
