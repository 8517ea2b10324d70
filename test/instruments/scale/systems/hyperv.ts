import { hyperVBackend, orphansOf } from '../../../providers/hyperv/backend.ts';
import type { Random } from '../random.ts';
import type { System } from '../system.ts';

/** One Windows host. */
export async function hypervSystem(): Promise<System> {
  const backend = await hyperVBackend();
  const { fake } = backend;
  const { state } = fake;
  const troubles: Readonly<Record<string, (random: Random) => void>> = {
    'requests lost': (random) => fake.disturb(() => (random.chance(0.05) ? 'before' : undefined)),
    'answers lost': (random) =>
      fake.disturb((step) => (step !== '' && random.chance(0.1) ? 'after' : undefined)),
    'logins forgotten': () => fake.forgetLogins(),
    'connections closed': () => fake.closeAfter(10),
    'WinRM restarted': () => fake.clearShells(),
    'host unreachable': () => fake.outage(true),
    'slow tasks': (random) => {
      state.taskMs = random.between(100, 1000);
    },
    'disk full': () => {
      state.failCopy = true;
    },
  };
  const rest = (): void => {
    fake.disturb(undefined);
    fake.closeAfter(0);
    fake.outage(false);
    state.taskMs = 0;
    state.failCopy = false;
  };
  return {
    backend,
    hosts: [{ name: 'hyperv', details: () => backend.details() }],
    snapshot: 'snap_name',
    disturb(random) {
      rest();
      const [name, begin] = random.pick(Object.entries(troubles));
      begin(random);
      return name;
    },
    calm: async () => rest(),
    // Windows ends the shells of clients that are gone when they have been idle for a while.
    heal: () => fake.clearShells(),
    leftovers: () => [
      ...orphansOf(state).map((path) => `file ${path} belongs to no machine`),
      ...fake.complaints.map((complaint) => `a strict server complains: ${complaint}`),
      ...(fake.openShells() === 0 ? [] : [`${fake.openShells()} shells are open`]),
      ...[...state.locks.keys()].map((uuid) => `${uuid} is locked`),
    ],
  };
}
