import { fingerprintOf, readKey } from '../../../../fakes/http/keys.ts';
import type { Fault } from '../../../../fakes/maas/gate.ts';
import { maasBackend } from '../../../providers/maas/backend.ts';
import type { Random } from '../random.ts';
import type { System } from '../system.ts';

const html = { type: 'text/html', body: '<html><h1>Bad Gateway</h1></html>' };

const faults: Readonly<Record<string, Fault>> = {
  'requests lost': 'lost-request',
  'answers lost': 'lost-answer',
  'a proxy in trouble': { status: 502, ...html },
  'MAAS in trouble': { status: 500, type: 'text/plain', body: 'Internal Server Error' },
  'too many requests': {
    status: 429,
    type: 'text/plain',
    body: '',
    headers: { 'retry-after': '1' },
  },
  silence: 'silence',
};

/** One region controller with more machines than instances, since some of them will not install. */
export async function maasSystem(instances: number): Promise<System> {
  const backend = await maasBackend({
    tls: readKey('trusted'),
    ready: Math.ceil(instances * 1.5),
    host: { tls_fingerprint: fingerprintOf('trusted') },
  });
  const { fake } = backend;
  const { timings } = fake.world.life;
  const usual = { ...timings };
  const machines = () => [...fake.world.machines.values()];
  const badDisks = (random: Random): string => {
    for (const machine of machines()) machine.installs = random.chance(0.3) ? 'badly' : 'well';
    return 'machines that do not install';
  };
  const calm = async (): Promise<void> => {
    fake.disturb(undefined);
    Object.assign(timings, usual);
    for (const machine of machines()) machine.installs = 'well';
  };
  return {
    backend,
    hosts: [{ name: 'maas', details: () => backend.details() }],
    async disturb(random) {
      await calm();
      if (random.chance(0.15)) return badDisks(random);
      if (random.chance(0.15)) {
        Object.assign(timings, { deployMs: 1500, powerMs: 500, releaseMs: 800 });
        return 'slow machines';
      }
      const [name, fault] = random.pick(Object.entries(faults));
      const often = name === 'silence' ? 0.03 : 0.2;
      fake.disturb(() => (random.chance(often) ? fault : undefined));
      return name;
    },
    calm,
    heal() {},
    leftovers: () => [],
  };
}
