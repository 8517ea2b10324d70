import { simulatorBackend } from '../../../providers/simulator/backend.ts';
import type { Details } from '../../../support/payloads.ts';
import type { Place } from '../../../support/world.ts';
import type { Random } from '../random.ts';
import { type System, withHost } from '../system.ts';

const troubles: Readonly<Record<string, (random: Random) => Details>> = {
  delays: (random) => ({ delay_ms: String(random.below(1000)) }),
  'slow tasks': (random) => ({ slow_task_ms: String(random.below(1500)) }),
  'host unreachable': () => ({ fail_actions: '*', fail_kind: 'unreachable' }),
  'no rights': () => ({ fail_actions: '*', fail_kind: 'denied' }),
  'nothing to be seen': () => ({ fail_actions: '*', fail_kind: 'blind' }),
  'out of time': () => ({ fail_actions: '*', fail_kind: 'timeout' }),
  'tasks that fail': () => ({ fail_actions: '*', fail_at: 'task', slow_task_ms: '50' }),
};

/** A directory on this server, which fails only where its own settings make it. */
export async function simulatorSystem(place: Place): Promise<System> {
  const backend = await simulatorBackend(place);
  let trouble: Details = {};
  return {
    backend,
    hosts: [{ name: 'simulator', details: () => withHost(backend.details(), trouble) }],
    snapshot: 'snap_name',
    disturb(random) {
      const [name, details] = random.pick(Object.entries(troubles));
      trouble = details(random);
      return name;
    },
    async calm() {
      trouble = {};
    },
    heal() {},
    leftovers: () => [],
  };
}
