import { type Answer, invalid, json, refuse } from './answers.ts';
import type { Parameters } from './form.ts';
import { type FakeMachine, type StatusLabel, show, statuses } from './machine.ts';
import type { FakeUser } from './oauth.ts';
import type { Life } from './state.ts';

/** Everything the handlers share. */
export interface World {
  readonly machines: Map<string, FakeMachine>;
  readonly life: Life;
  /** Names that exist although no machine has them. */
  readonly pools: Set<string>;
  readonly tags: Set<string>;
  readonly architectures: Set<string>;
  readonly series: Set<string>;
}

const filters = [
  'hostname',
  'id',
  'mac_address',
  'domain',
  'zone',
  'pool',
  'agent_name',
  'tags',
  'status',
];

/** Others' machines are left out without a word. */
export function isVisible(machine: FakeMachine, user: FakeUser): boolean {
  return user.admin || machine.owner === '' || machine.owner === user.name;
}

export function list(world: World, user: FakeUser, query: Parameters): Answer {
  for (const key of query.keys()) {
    if (!filters.includes(key)) throw invalid(key, 'No such constraint.');
  }
  for (const label of query.all('status')) {
    if (!Object.hasOwn(statuses, label)) {
      throw invalid('status', `Invalid status(es) given: ${label}.`);
    }
  }
  for (const pool of query.all('pool')) {
    if (!poolsOf(world).has(pool)) throw invalid('pool', `No such pool(s): '${pool}'.`);
  }
  const found = visible(world, user).filter((machine) => fits(machine, query));
  return json(found.map(show));
}

function fits(machine: FakeMachine, query: Parameters): boolean {
  const among = (key: string, value: string): boolean =>
    query.all(key).length === 0 || query.all(key).includes(value);
  return (
    among('hostname', machine.hostname) &&
    among('id', machine.systemId) &&
    among('zone', machine.zone) &&
    among('pool', machine.pool) &&
    among('agent_name', machine.agentName) &&
    among('status', machine.status satisfies StatusLabel) &&
    query.all('tags').every((tag) => machine.tags.includes(tag)) &&
    (query.all('mac_address').length === 0 ||
      machine.interfaces.some(({ mac }) => query.all('mac_address').includes(mac)))
  );
}

const constraints = [
  'system_id',
  'name',
  'pool',
  'not_in_pool',
  'zone',
  'not_in_zone',
  'tags',
  'not_tags',
  'arch',
  'cpu_count',
  'mem',
  'subnets',
  'not_subnets',
  'interfaces',
  'storage',
  'fabrics',
  'agent_name',
  'comment',
  'dry_run',
  'verbose',
  'bridge_all',
  'bridge_type',
  'bridge_stp',
  'bridge_fd',
];

/** Chooses and takes in one step, as under MAAS's lock. */
export function allocate(world: World, user: FakeUser, form: Parameters, isForm: boolean): Answer {
  if (!isForm) throw refuse(500, 'Internal Server Error');
  for (const key of form.keys()) {
    if (!constraints.includes(key)) throw invalid(key, `No such constraint.`);
  }
  checkNames(world, form);
  const free = [...world.machines.values()].filter(({ status }) => status === 'ready');
  const machine = free.find((each) => isFit(each, form));
  if (machine === undefined) throw refuse(409, noMatch(form));
  if (form.one('dry_run') !== 'true') acquire(world, user, machine, form);
  return json(show(machine));
}

export function acquire(
  world: World,
  user: FakeUser,
  machine: FakeMachine,
  form: Parameters,
): void {
  machine.owner = user.name;
  machine.agentName = form.one('agent_name') ?? '';
  machine.status = 'allocated';
  machine.step += 1;
  const comment = form.one('comment');
  const description = comment === undefined ? `(${user.name})` : `(${user.name}) - ${comment}`;
  world.life.event(machine, 'DEBUG', 'User acquiring node', description);
}

function checkNames(world: World, form: Parameters): void {
  for (const key of ['cpu_count', 'mem']) {
    const value = form.one(key);
    if (value !== undefined && !/^\d+(\.\d+)?$/.test(value)) {
      throw invalid(key, `Invalid ${key}: number required.`);
    }
  }
  const pool = form.one('pool');
  if (pool !== undefined && !poolsOf(world).has(pool))
    throw invalid('pool', `No such pool: '${pool}'.`);
  const zone = form.one('zone');
  const zones = new Set([...world.machines.values()].map((machine) => machine.zone));
  if (zone !== undefined && !zones.has(zone)) throw invalid('zone', `No such zone: '${zone}'.`);
  const known = new Set([...world.machines.values()].flatMap(({ tags }) => tags));
  for (const tag of [...form.all('tags'), ...form.all('not_tags')]) {
    if (!known.has(tag) && !world.tags.has(tag)) throw invalid('tags', `No such tag(s): '${tag}'.`);
  }
  for (const arch of form.all('arch')) {
    if (!world.architectures.has(arch.split('/')[0] as string)) {
      throw invalid('arch', 'Architecture not recognised.');
    }
  }
}

function isFit(machine: FakeMachine, form: Parameters): boolean {
  const is = (key: string, value: string): boolean =>
    form.one(key) === undefined || form.one(key) === value;
  const arch = form.all('arch');
  const sizes = [...(form.one('storage') ?? '').matchAll(/(?:^|,)(?:\w+:)?(\d+)/g)].map(([, gb]) =>
    Number(gb),
  );
  return (
    is('system_id', machine.systemId) &&
    is('name', machine.hostname) &&
    is('pool', machine.pool) &&
    is('zone', machine.zone) &&
    (arch.length === 0 || arch.some((each) => machine.architecture.startsWith(each))) &&
    machine.cpus >= Number(form.one('cpu_count') ?? 0) &&
    machine.memoryMb >= Number(form.one('mem') ?? 0) &&
    form.all('tags').every((tag) => machine.tags.includes(tag)) &&
    !form.all('not_tags').some((tag) => machine.tags.includes(tag)) &&
    sizes.every((gb) => machine.diskGb >= gb)
  );
}

function noMatch(form: Parameters): string {
  const id = form.one('system_id');
  if (
    id !== undefined &&
    form.keys().every((key) => ['system_id', 'agent_name', 'comment'].includes(key))
  ) {
    return `No machine with system ID ${id} available.`;
  }
  const given = form.keys().map((key) => `('${key}', ['${form.all(key).join("', '")}'])`);
  return `No available machine matches constraints: [${given.join(', ')}] (resolved to "${form.keys().join(' ')}")`;
}

function poolsOf(world: World): Set<string> {
  return new Set([...world.pools, ...[...world.machines.values()].map(({ pool }) => pool)]);
}

function visible({ machines }: World, user: FakeUser): FakeMachine[] {
  return [...machines.values()].filter((machine) => isVisible(machine, user));
}
