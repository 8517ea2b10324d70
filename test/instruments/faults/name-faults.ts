import { few } from './action.ts';
import type { Fault, Scene, Surroundings } from './fault.ts';
import { instead, lacksNames, startDeadListener, startResolver } from './names.ts';

const name = 'somewhere.test';
const bothFamilies = ({ remote }: Scene): string =>
  `::1 ${name}\n${remote.proxy?.address} ${name}\n`;

async function resolved({ place, remote }: Scene, delayMs: number): Promise<Surroundings> {
  const { address, close } = await startResolver(remote.proxy?.address ?? '', delayMs);
  const through = instead('/etc/resolv.conf', place.folder, `nameserver ${address}\n`);
  return { call: { host: remote.through(name), through }, undo: close };
}

/** Faults between a name and an address. */
export const nameFaults: readonly Fault[] = [
  {
    name: 'dns-failing',
    actions: few,
    about: 'the name in the url does not exist',
    told: ['unreachable', 'timeout'],
    timeoutSeconds: 10,
    surround: ({ remote }) => ({ call: { host: remote.through('nothing-here.invalid') } }),
  },
  {
    name: 'dns-silent',
    actions: few,
    about: 'the name server never answers',
    told: ['unreachable', 'timeout'],
    timeoutSeconds: 10,
    lacks: lacksNames,
    surround: (scene) => resolved(scene, Number.POSITIVE_INFINITY),
  },
  {
    name: 'dns-slow',
    actions: few,
    about: 'the name server takes a second for every answer',
    told: ['success'],
    lacks: lacksNames,
    surround: (scene) => resolved(scene, 1000),
  },
  {
    name: 'ipv6-refused',
    actions: few,
    about: 'the name has an IPv6 address first, where no server listens',
    told: ['success'],
    lacks: lacksNames,
    surround: (scene) => ({
      call: {
        host: scene.remote.through(name),
        through: instead('/etc/hosts', scene.place.folder, bothFamilies(scene)),
      },
    }),
  },
  {
    name: 'ipv6-dead',
    actions: few,
    about: 'the name has an IPv6 address first, which never answers',
    told: ['success'],
    lacks: lacksNames,
    async surround(scene) {
      const { place, remote } = scene;
      const through = instead('/etc/hosts', place.folder, bothFamilies(scene));
      const listener = await startDeadListener(remote.proxy?.port ?? 0);
      return { call: { host: remote.through(name), through }, undo: () => listener.close() };
    },
  },
];
