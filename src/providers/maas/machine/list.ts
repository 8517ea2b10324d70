import type { Instance } from '../../../contract/instance.ts';
import type { Power } from '../../../contract/machine.ts';
import { Failure } from '../../../failure.ts';
import { overview } from '../../../lifecycle/overview.ts';
import { speaksFor } from '../../../lifecycle/responsibility.ts';
import { status } from '../api/statuses.ts';
import type { Machine, Me } from '../api/wire.ts';
import { homeOf, leftBy } from './annotations.ts';
import { find, listOwned } from './find.ts';
import { powerNow, powersNow } from './live-power.ts';
import { isGivenBack, type Seen, seen } from './match.ts';
import { missing, type Rig } from './session.ts';
import { refuseBlindList, whoAmI } from './visibility.ts';

/** How long one look may wait for a busy MAAS: there are hundreds of looks after an outage. */
const patienceMs = 1_500;

/** Fails with `not-found` when it is proved that there is no machine. */
export async function power(rig: Rig, instance: Instance): Promise<Power> {
  const found = await find(rig, instance, { thorough: false, patienceMs });
  if (found.kind === 'missing') throw missing(instance);
  if (found.kind === 'built') return powerNow(rig, found.machine);
  const doubt = found.kind === 'doubtful' ? found.doubtful.doubt : undefined;
  rig.context.log('power.unclear', { level: 'warn', kind: found.kind, doubt });
  return 'unknown';
}

/** Everything this host speaks for; fails rather than leave out what it cannot see. */
export async function powers(rig: Rig): Promise<ReadonlyMap<string, Power>> {
  const me = await whoAmI(rig);
  const all = (await listOwned(rig))
    // Let go together with its instance: nobody's, though MAAS still has it deployed.
    .filter((machine) => leftBy(machine) === undefined)
    .map(seen);
  const unreadable = all.filter(({ mark }) => mark === 'unreadable');
  if (unreadable.length > 0) throw damaged(unreadable);
  // What was given back is no second machine of an instance that has got another one since.
  const { certain, doubtful } = overview(
    all.filter((each) => !isGivenBack(each)),
    rig.context.installation,
  );
  const leaving = overview(all.filter(isGivenBack), rig.context.installation);
  refuseBlindList(rig, me, certain);
  refuseUnadopted(rig, me, all);
  const report = new Map<string, Power>();
  for (const { machine, mark } of leaving.certain) {
    if (isMine(rig, machine.machine)) report.set(mark.name, 'unknown');
  }
  for (const { name, machines } of [...leaving.doubtful, ...doubtful]) {
    if (machines.some(({ machine }) => isMine(rig, machine))) report.set(name, 'unknown');
  }
  const mine = certain.filter(({ machine: { machine } }) => isMine(rig, machine));
  const built = mine.filter(({ mark }) => mark.state === 'built');
  const states = await powersNow(
    rig,
    built.map(({ machine: { machine } }) => machine),
  );
  for (const { mark } of mine) report.set(mark.name, 'unknown');
  built.forEach(({ mark }, at) => {
    report.set(mark.name, states[at] ?? 'unknown');
  });
  return report;
}

function isMine({ settings }: Rig, machine: Machine): boolean {
  const { nodes, other_nodes: otherNodes = [] } = settings;
  const pool = machine.pool?.name ?? '';
  if (nodes === undefined) return !otherNodes.includes(pool);
  return speaksFor({ node: pool, home: homeOf(machine) }, { nodes, otherNodes });
}

/** Instances of the built-in extension go by ids that only CloudStack knows. */
function refuseUnadopted({ settings }: Rig, { username }: Me, all: readonly Seen[]): void {
  if (settings.shared_user) return;
  const waiting = all.filter(
    ({ mark, machine }) =>
      mark === undefined && machine.status === status.deployed && machine.owner === username,
  );
  const [first] = waiting;
  if (first === undefined) return;
  throw new Failure(
    'conflict',
    `Deployed machines of ${username} carry no mark and may be instances: ${waiting.length}, such as ${first.remoteId}`,
    {
      advice:
        'Take them over with `outrigger adopt`; if they are none, set shared_user to true or use a MAAS user of its own',
    },
  );
}

function damaged(machines: readonly Seen[]): Failure {
  const ids = machines.map(({ remoteId }) => remoteId).join(', ');
  return new Failure('upstream', `The marks of the machines ${ids} cannot be read`, {
    advice: 'Until they are repaired no machine can be proved missing',
  });
}
