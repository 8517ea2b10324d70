import { plain } from '../../../fakes/maas/answers.ts';
import { type FakeMachine, show } from '../../../fakes/maas/machine.ts';
import { type FakeMaas, type Options, startMaas } from '../../../fakes/maas/server.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { maas } from '../../../src/providers/maas/index.ts';
import type { Backend, RemoteMachine } from '../../conformance/backend.ts';
import { judgeBy } from '../../conformance/break.ts';
import type { Details } from '../../support/payloads.ts';

/** Has no owner, and is no more than iron. */
const free: readonly FakeMachine['status'][] = ['new', 'ready'];

/** The backend, and the fake itself for what is special to MAAS. */
export interface MaasBackend extends Backend {
  readonly fake: FakeMaas;
}

export interface MaasOptions extends Options {
  /** How many machines are ready; 5 by default. */
  readonly ready?: number;
  /** Further details of the host. */
  readonly host?: Details;
}

const quick = { deployMs: 20, powerMs: 5, releaseMs: 10, busyMs: 5 };

/** The fake MAAS as the conformance suite looks at it: only machines with an owner count. */
export async function maasBackend(options: MaasOptions = {}): Promise<MaasBackend> {
  const fake = await startMaas({ ...options, timings: { ...quick, ...options.timings } });
  const { timings } = fake.world.life;
  const usual = { ...timings };
  for (let count = 0; count < (options.ready ?? 5); count += 1) fake.add();
  const all = (): FakeMachine[] => [...fake.world.machines.values()];
  const [own, , stranger] = fake.users;
  let key = own?.key ?? '';
  let during = 0;
  const taken = new Set<FakeMachine>();
  const host = (more: Details = {}): { host: Details } => ({
    host: {
      endpoint: fake.url,
      apikey: key,
      api_user: 'cloudstack',
      // The suite plants machines that are no instance's.
      shared_user: 'true',
      match_offering: 'false',
      release_watch_seconds: '1',
      ...options.host,
      ...more,
    },
  });

  return {
    fake,
    registry: { maas: async () => maas },
    provider: 'maas',
    details: () => host(),
    chosen: { distro_series: 'ubuntu/jammy' },
    secrets: fake.users.flatMap(({ key: text }) => [text, text.split(':')[2] as string]),
    lacks: {
      copy: 'a physical machine cannot be copied',
      setPower: 'a physical machine is on or off',
      makeTemplate: 'MAAS has no templates',
      segments: 'its cables stay as they are, no matter which networks an instance is on',
      allowed_machines:
        'it is about what prepare hands back too; test/providers/maas/claim.test.ts has refusals',
      screen: 'MAAS has no screens, only the address that the operator gives',
      fill: 'each instance has a whole machine, so that none shares its capacity; test/providers/maas/claim.test.ts has refusals',
      traceless: 'prepare claims the machine, since otherwise another instance would get it',
    },
    machines: async () =>
      all()
        .filter(({ status }) => !free.includes(status))
        .map(look),
    async plant({ name, mark, power = 'off' }) {
      const machine = fake.add({ hostname: name, owner: 'cloudstack', status: 'deployed' });
      machine.powered = power === 'on';
      machine.cachedPower = power;
      if (mark === undefined) return machine.systemId;
      const written = mark(machine.systemId);
      machine.annotations = { outrigger: writeMark(written) };
      if (written.origin === 'created') machine.agentName = written.uuid;
      if (written.state === 'building') machine.status = 'allocated';
      return machine.systemId;
    },
    removeBehind: async (remoteId) => void fake.world.machines.delete(remoteId),
    async outage(on) {
      during = 0;
      const count = (): 'lost-request' => {
        during += 1;
        return 'lost-request';
      };
      fake.disturb(on ? count : undefined);
    },
    callsDuringOutage: async () => during,
    async elsewhereApi(on) {
      fake.disturb(on ? () => plain(404, 'Not Found') : undefined);
    },
    async disown(remoteId) {
      const machine = fake.machine(remoteId);
      const { owner, agentName } = machine;
      // As after mark_broken, mark_fixed and another user's deployment: the annotations are still there.
      Object.assign(machine, { owner: stranger?.name ?? '', agentName: '' });
      const giveBack = async (): Promise<void> => void Object.assign(machine, { owner, agentName });
      return { markStays: true, giveBack };
    },
    async withdrawRights(on) {
      key = (on ? stranger : own)?.key ?? '';
    },
    async takeOver(on) {
      for (const machine of all()) {
        // Rescue mode, which does it, is not for machines that are claimed and not installed.
        if (on && machine.status === 'deployed') taken.add(machine);
        if (taken.has(machine) && machine.owner !== '') machine.owner = on ? 'root' : 'cloudstack';
      }
      if (!on) taken.clear();
    },
    async breakOff(where) {
      const { judge, changes } = judgeBy(where);
      const faults = { before: 'lost-request', after: 'lost-answer' } as const;
      fake.disturb(({ method }) => {
        const verdict = judge(method !== 'GET');
        return verdict === undefined ? undefined : faults[verdict];
      });
      return { changes, mend: async () => fake.disturb(undefined) };
    },
    async protect(remoteId) {
      fake.machine(remoteId).locked = true;
    },
    boots: async (remoteId) => fake.machine(remoteId).boots,
    async changeDisk(remoteId) {
      fake.machine(remoteId).disk = 'written over';
    },
    async damage(remoteId) {
      const { annotations } = fake.machine(remoteId);
      annotations['outrigger'] = annotations['outrigger']?.slice(0, 40) ?? '';
    },
    async slowTasks(on) {
      Object.assign(timings, on ? { deployMs: 60_000, powerMs: 60_000 } : usual);
    },
    async taskMs(ms) {
      timings.deployMs = ms;
    },
    async failTasks(on) {
      for (const machine of all()) machine.installs = on ? 'badly' : 'well';
    },
    async ignoreShutdown(on) {
      for (const machine of all()) machine.deaf = on;
    },
    elsewhere: { node: 'pool-b', details: host({ nodes: 'pool-b' }) },
    async move(remoteId, node) {
      fake.machine(remoteId).pool = node;
    },
    close: fake.close,
  };
}

function look(machine: FakeMachine): RemoteMachine {
  const { systemId: remoteId, hostname: name, disk, annotations, cpus, memoryMb } = machine;
  // The power that MAAS last knew is no property of the machine.
  const { power_state: _, status_message: __, ...shown } = show(machine);
  return {
    remoteId,
    name,
    power: machine.powered ? 'on' : 'off',
    mark: annotations['outrigger'] ?? '',
    cpus,
    memoryMb,
    nics: machine.interfaces.map(({ mac }) => ({ mac, vlan: undefined })),
    physical: true,
    disk,
    // Set under the same lock as the machine is claimed, which annotations cannot be.
    ...(machine.agentName === '' ? {} : { claim: machine.agentName }),
    all: JSON.stringify({ ...shown, disk, powered: machine.powered }),
  };
}
