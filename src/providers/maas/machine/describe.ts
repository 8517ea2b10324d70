import type { Power, RemoteMachine } from '../../../contract/machine.ts';
import { isLeaving, isStuck, status } from '../api/statuses.ts';
import { markOf } from './annotations.ts';
import { listOwned } from './find.ts';
import { type Leftover, leftoverOf } from './leftovers.ts';
import { powersNow } from './live-power.ts';
import { isGivenBack, type Seen, seen } from './match.ts';
import type { Rig } from './session.ts';
import { refuseBlindList, whoAmI } from './visibility.ts';

/** Every machine that can belong to somebody; fails when it is not certain that these are all. */
export async function machines(rig: Rig): Promise<readonly RemoteMachine[]> {
  const me = await whoAmI(rig);
  const all = await listOwned(rig);
  refuseBlindList(
    rig,
    me,
    all.filter((machine) => markOf(machine) !== undefined),
  );
  const powers = await powersNow(rig, all);
  const described: RemoteMachine[] = [];
  for (const [at, machine] of all.entries()) {
    const leftover = await leftoverOf(rig, me, machine);
    described.push(describe(seen(machine), powers[at] ?? 'unknown', leftover));
  }
  return described;
}

function describe(one: Seen, power: Power, leftover: Leftover | undefined): RemoteMachine {
  const { machine, mark } = one;
  const remarks = [...(leftover?.remarks ?? []), ...remarksOn(one)];
  return {
    remoteId: machine.system_id,
    name: machine.hostname,
    power,
    mark,
    // Iron is what it is: these tell whose a machine may be, and differ from an instance's for good.
    ...(mark === undefined ? hardware(one) : {}),
    ...(isGivenBack(one) ? { givenBack: true } : {}),
    ...(leftover === undefined ? {} : { leftover: true }),
    ...(remarks.length === 0 ? {} : { remarks }),
  };
}

function hardware({ machine }: Seen): Pick<RemoteMachine, 'cpus' | 'memoryBytes' | 'nics'> {
  return {
    cpus: machine.cpu_count,
    memoryBytes: machine.memory * 2 ** 20,
    nics: machine.interface_set.map(({ mac_address }) => ({ mac: mac_address.toLowerCase() })),
  };
}

function remarksOn({ machine, mark }: Seen): readonly string[] {
  const { status: now, status_name: word, error_description: error, locked } = machine;
  const why = error === '' ? '' : ` (${error})`;
  return [
    ...(isStuck(now)
      ? [
          `${word}${why}: it was given back, and its disks may still hold data; release it again in MAAS, with erasing`,
        ]
      : []),
    ...(mark === undefined || isUsual(now) || isStuck(now) ? [] : [`${word}${why}`]),
    ...(locked ? ['locked'] : []),
  ];
}

/** Stages of a create or a delete, which say nothing as long as they last. */
function isUsual(now: number): boolean {
  const stages: readonly number[] = [status.allocated, status.deploying, status.deployed];
  return stages.includes(now) || isLeaving(now);
}
