import { type Answer, busy, invalid, json, refuse } from './answers.ts';
import { acquire, isVisible, type World } from './collection.ts';
import type { Parameters } from './form.ts';
import { type FakeMachine, show, statuses } from './machine.ts';
import type { FakeUser } from './oauth.ts';

/** One call for one machine. */
export interface Call {
  readonly world: World;
  readonly user: FakeUser;
  readonly machine: FakeMachine;
  readonly form: Parameters;
}

const releasable: readonly FakeMachine['status'][] = [
  'allocated',
  'reserved',
  'broken',
  'deploying',
  'deployed',
  'failed_deployment',
  'failed_disk_erasing',
  'failed_releasing',
];

/** The operations by their names, each with MAAS's own rules and answers. */
export const operations: Readonly<Record<string, (call: Call) => Answer>> = {
  deploy(call) {
    const { world, user, machine, form } = call;
    mustEdit(call);
    const taken = machine.status === 'ready';
    if (taken) acquire(world, user, machine, form);
    if (machine.status !== 'allocated') {
      throw refuse(
        409,
        `Can't deploy a machine that is in the '${statuses[machine.status][1]}' state`,
      );
    }
    try {
      setSystem(world, machine, form);
    } catch (error) {
      if (taken) world.life.free(machine);
      throw error;
    }
    if (machine.addressRaces > 0) {
      machine.addressRaces -= 1;
      const text = 'Static IP Address with this Alloc type and IP already exists.';
      throw invalid('__all__', text);
    }
    // The wrong encoding is found out only by the machine itself.
    machine.userData = form.one('user_data');
    machine.ephemeral = form.one('ephemeral_deploy') === 'true';
    world.life.event(machine, 'DEBUG', 'User starting deployment', `(${user.name})`);
    world.life.deploy(machine);
    return json(show(machine));
  },

  release(call) {
    const { world, user, machine, form } = call;
    mustEdit(call);
    if (machine.status === 'releasing' || machine.status === 'ready') return json(show(machine));
    if (!releasable.includes(machine.status)) {
      const text = `Machine cannot be released in its current state ('${statuses[machine.status][1]}').`;
      throw refuse(409, text);
    }
    if (isBusy(machine)) throw busy();
    const comment = form.one('comment');
    const description = comment === undefined ? `(${user.name})` : `(${user.name}) - ${comment}`;
    world.life.event(machine, 'DEBUG', 'User releasing node', description);
    world.life.release(machine, form.one('erase') === 'true');
    return json(show(machine));
  },

  power_on(call) {
    const { world, machine } = call;
    mustEdit(call);
    if (machine.status === 'ready') {
      throw refuse(409, `Can't start node: it hasn't been allocated.`);
    }
    if (isBusy(machine)) throw busy();
    // On an allocated machine this deploys the default system, on an ephemeral one its own again.
    if (machine.status === 'allocated') {
      [machine.osystem, machine.series] = ['ubuntu', 'jammy'];
      world.life.deploy(machine);
    } else if (machine.ephemeral && machine.status === 'deployed') world.life.deploy(machine);
    else world.life.switchOn(machine);
    return json(show(machine));
  },

  power_off(call) {
    const { world, machine, form } = call;
    mustEdit(call);
    const mode = form.one('stop_mode') ?? 'hard';
    if (mode !== 'hard' && mode !== 'soft') throw invalid('stop_mode', 'Must be hard or soft.');
    if (machine.powerType === 'manual') return json(null);
    if (isBusy(machine)) throw busy();
    world.life.switchOff(machine, mode === 'soft');
    return json(show(machine));
  },

  abort(call) {
    const { world, machine } = call;
    mustEdit(call);
    if (machine.status !== 'deploying') {
      throw refuse(409, `Cannot abort in state '${statuses[machine.status][1]}'.`);
    }
    world.life.switchOff(machine, false);
    machine.status = 'allocated';
    return json(show(machine));
  },

  lock(call) {
    const { machine, user } = call;
    if (machine.owner !== user.name && !user.admin) throw refuse(403, '');
    if (machine.locked) throw refuse(409, 'Machine is already locked');
    if (machine.status !== 'deployed' && machine.status !== 'deploying') {
      throw refuse(409, "Can't lock, machine is not deployed");
    }
    machine.locked = true;
    return json(show(machine));
  },

  unlock(call) {
    const { machine, user } = call;
    if (machine.owner !== user.name && !user.admin) throw refuse(403, '');
    if (!machine.locked) throw refuse(409, 'Machine is not locked');
    machine.locked = false;
    return json(show(machine));
  },

  set_workload_annotations(call) {
    const { machine, user, form } = call;
    mustEdit(call);
    if (machine.owner !== user.name) {
      throw refuse(409, "Cannot set workload annotation: it hasn't been acquired.");
    }
    for (const key of form.keys()) {
      if (key === 'op') continue;
      if (!/^[\w.-]+$/.test(key)) throw refuse(400, 'Invalid character in key name');
      const value = form.one(key) ?? '';
      if (value === '') delete machine.annotations[key];
      else machine.annotations[key] = value;
    }
    return json(show(machine));
  },

  mark_broken(call) {
    const { world, machine, user, form } = call;
    mustEdit(call);
    // The web interface lets administrators do it to machines of other users, too.
    if (machine.owner !== user.name) throw refuse(403, '');
    world.life.markBroken(machine, form.one('comment') ?? '');
    return json(show(machine));
  },

  mark_fixed(call) {
    const { world, machine, user } = call;
    if (!user.admin) throw refuse(403, '');
    if (machine.status !== 'broken') throw refuse(409, "Can't mark a non-broken node as 'Ready'.");
    world.life.markFixed(machine);
    return json(show(machine));
  },

  rescue_mode(call) {
    const { world, machine, user } = call;
    if (!user.admin) throw refuse(403, '');
    if (!rescuable.includes(machine.status)) {
      const [, word] = statuses[machine.status];
      throw refuse(409, `Cannot enter rescue mode in state '${word}'.`);
    }
    world.life.startRescue(machine, user.name);
    return json(show(machine));
  },

  exit_rescue_mode(call) {
    const { world, machine, user } = call;
    if (!user.admin) throw refuse(403, '');
    if (machine.status !== 'rescue_mode') {
      const [, word] = statuses[machine.status];
      throw refuse(409, `Cannot exit rescue mode in state '${word}'.`);
    }
    world.life.endRescue(machine);
    return json(show(machine));
  },
};

const rescuable: readonly FakeMachine['status'][] = ['ready', 'broken', 'deployed'];

/** Renaming is for administrators. */
export function update(call: Call): Answer {
  const { world, user, machine, form } = call;
  if (!user.admin) throw refuse(403, '');
  const hostname = form.one('hostname');
  if (hostname === undefined) return json(show(machine));
  if (!/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(hostname)) {
    throw invalid('hostname', 'Invalid hostname.');
  }
  const twice = [...world.machines.values()].some(
    (each) => each !== machine && each.hostname === hostname,
  );
  if (twice) throw invalid('hostname', 'Node with hostname already exists.');
  machine.hostname = hostname;
  return json(show(machine));
}

/** Asks the BMC; a silent one keeps the caller waiting. */
export async function queryPower({ machine, world }: Call): Promise<Answer> {
  if (machine.powerType === 'manual') return json({ state: 'unknown' });
  if (machine.bmc === 'silent') {
    await new Promise((resolve) => setTimeout(resolve, world.life.timings.nodeTimeoutMs).unref());
    throw refuse(504, 'Timed out');
  }
  const { bmcMs } = world.life.timings;
  if (bmcMs > 0) await new Promise((resolve) => setTimeout(resolve, bmcMs).unref());
  if (machine.bmc === 'fails') machine.cachedPower = 'error';
  else machine.cachedPower = machine.powered ? 'on' : 'off';
  return json({ state: machine.cachedPower });
}

function setSystem(world: World, machine: FakeMachine, form: Parameters): void {
  const given = form.one('distro_series') ?? 'ubuntu/jammy';
  const series = given.includes('/') ? given : `ubuntu/${given}`;
  if (!world.series.has(series)) {
    const choices = [...world.series].join("', '");
    throw invalid(
      'distro_series',
      `'${given}' is not a valid distro_series.  It should be one of: '', '${choices}'.`,
    );
  }
  const kernel = form.one('hwe_kernel');
  if (kernel !== undefined && /^(ga|hwe)-/.test(kernel) && !kernelsOf(series).includes(kernel)) {
    const text = `${kernel} is not available for ${series} on ${machine.architecture}.`;
    throw invalid('hwe_kernel', text);
  }
  const [os = '', release = ''] = series.split('/');
  machine.osystem = os;
  machine.series = release;
}

const releases: Readonly<Record<string, string>> = {
  'ubuntu/focal': '20.04',
  'ubuntu/jammy': '22.04',
  'ubuntu/noble': '24.04',
};

/** The kernels of a series; images that bring their own have none. */
export function kernelsOf(series: string): readonly string[] {
  const release = releases[series];
  if (release === undefined) return [];
  return ['ga', 'hwe'].flatMap((kind) => [`${kind}-${release}`, `${kind}-${release}-lowlatency`]);
}

function isBusy({ busyUntilMs }: FakeMachine): boolean {
  return Date.now() < busyUntilMs;
}

function mustEdit({ machine, user }: Call): void {
  if (!isVisible(machine, user) || machine.locked) throw refuse(403, '');
}
