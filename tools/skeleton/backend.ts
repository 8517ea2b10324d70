import { fingerprintOf } from '../../fakes/http/keys.ts';
import { writeMark } from '../../src/lifecycle/mark.ts';
import type { Backend, RemoteMachine } from '../../test/conformance/backend.ts';
import { judgeBy } from '../../test/conformance/break.ts';
import { type FakeMachine, startAcme } from './fake.ts';
import { acme } from './provider/index.ts';

/** The fake as the conformance suite looks into it and disturbs it. */
export async function acmeBackend(): Promise<Backend> {
  const fake = await startAcme();
  const { machines, options } = fake;
  const machine = (id: string): FakeMachine => {
    const found = machines.get(id);
    if (found === undefined) throw new Error(`the fake has no machine ${id}`);
    return found;
  };
  let during = 0;
  return {
    registry: { acme: async () => acme },
    provider: 'acme',
    details: () => ({
      host: { url: fake.url, token: fake.token, tls_fingerprint: fingerprintOf('trusted') },
    }),
    chosen: { template_id: 'debian-12' },
    secrets: [fake.token],
    lacks: {
      setPower: 'a machine of Acme is on or off',
      screen: 'Acme has no screens',
      elsewhere: 'Acme has no nodes',
      move: 'Acme has no nodes',
      failTasks: 'what Acme makes is made at once or refused',
    },
    machines: async () => [...machines.values()].map(look),
    async plant({ name, mark, power = 'off', template = false }) {
      const planted = fake.add({ name, power, template });
      if (mark !== undefined) planted.notes = writeMark(mark(planted.id));
      return planted.id;
    },
    removeBehind: async (id) => void machines.delete(id),
    async outage(on) {
      during = 0;
      const count = () => {
        during += 1;
        return 'lost-request' as const;
      };
      fake.disturb(on ? count : undefined);
    },
    callsDuringOutage: async () => during,
    async withdrawRights(on) {
      options.blind = on;
    },
    async elsewhereApi(on) {
      fake.disturb(on ? () => 404 : undefined);
    },
    async breakOff(where) {
      const { judge, changes } = judgeBy(where);
      fake.disturb(({ method }) => {
        const how = judge(method !== 'GET');
        return how === undefined ? undefined : how === 'before' ? 'lost-request' : 'lost-answer';
      });
      return { changes, mend: async () => fake.disturb(undefined) };
    },
    copy: async (id) => fake.add({ ...machine(id), key: '' }).id,
    boots: async (id) => machine(id).boots,
    async protect(id) {
      machine(id).locked = true;
    },
    async changeDisk(id) {
      machine(id).disk = 'written over';
    },
    async damage(id) {
      machine(id).notes = machine(id).notes.slice(0, 40);
    },
    async makeTemplate(id) {
      machine(id).template = true;
    },
    async slowTasks(on) {
      options.taskMs = on ? 60_000 : 5;
    },
    async taskMs(ms) {
      options.taskMs = ms;
    },
    async fill(on) {
      options.freeMb = on ? 0 : Number.POSITIVE_INFINITY;
    },
    async ignoreShutdown(on) {
      options.deaf = on;
    },
    close: fake.close,
  };
}

function look(machine: FakeMachine): RemoteMachine {
  const { id: remoteId, name, power, notes: mark, cpus, memoryMb, disk, nics } = machine;
  return {
    ...{ remoteId, name, power, mark, cpus, memoryMb, disk },
    nics: nics.map(({ mac, vlan }) => ({ mac, vlan: vlan ?? 'untagged' })),
    all: JSON.stringify(machine),
  };
}
