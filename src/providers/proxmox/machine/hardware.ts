import type { SizedInstance } from '../../../contract/instance.ts';
import type { Config } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import { isSameNet, netKeys, netsFor } from './nics.ts';

/** What has to be written to bring a configuration to what it should be. */
export interface Change {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

const mib = 1024 * 1024;

/** CPUs, memory and NICs of the instance, as a change of what is there. */
export function hardwareChange(
  settings: Settings,
  { cpus, memoryBytes, nics }: SizedInstance,
  config: Config,
): Change {
  const size = sizeChange(config, cpus, Math.floor(memoryBytes / mib));
  const nets = netsFor(settings, nics);
  const set = Object.entries(nets).filter(([key, net]) => !isSameNet(config[key], net));
  const surplus = netKeys(config).filter((key) => nets[key] === undefined);
  return {
    set: { ...size.set, ...Object.fromEntries(set) },
    remove: [...size.remove, ...surplus],
  };
}

function sizeChange(config: Config, cpus: number, memoryMib: number): Change {
  const sockets = Number(config['sockets'] ?? 1);
  const cores = Number(config['cores'] ?? 1);
  const vcpus = config['vcpus'];
  const memory = memoryOf(config);
  const balloon = Number(config['balloon'] ?? 0);
  return {
    set: {
      ...(cores === cpus ? {} : { cores: String(cpus) }),
      ...(sockets === 1 ? {} : { sockets: '1' }),
      ...(memory === memoryMib ? {} : { memory: String(memoryMib) }),
    },
    remove: [
      ...(vcpus === undefined || vcpus === '0' ? [] : ['vcpus']),
      // More than there will be is refused, and less would take from the tenant what he pays for.
      ...(balloon === 0 ? [] : ['balloon']),
    ],
  };
}

export function memoryOf(config: Config): number {
  return Number((config['memory'] ?? '512').replace(/^current=/, '').split(',')[0]);
}

export function isEmpty({ set, remove }: Change): boolean {
  return Object.keys(set).length === 0 && remove.length === 0;
}

/** As the API takes it: what is set, and what is removed under `delete`. */
export function formOf(...changes: readonly Change[]): Readonly<Record<string, string>> {
  const set = Object.assign({}, ...changes.map((change) => change.set)) as Record<string, string>;
  const remove = [...new Set(changes.flatMap((change) => change.remove))].filter(
    (option) => set[option] === undefined,
  );
  return remove.length === 0 ? set : { ...set, delete: remove.join(',') };
}

/** Only what differs from the configuration. */
export function differing(config: Config, wanted: Readonly<Record<string, string>>): Change {
  const set = Object.entries(wanted).filter(([option, value]) => config[option] !== value);
  return { set: Object.fromEntries(set), remove: [] };
}
