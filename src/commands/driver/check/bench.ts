import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SizedInstance } from '../../../contract/instance.ts';
import type { RemoteMachine } from '../../../contract/machine.ts';
import type { Provider } from '../../../contract/provider.ts';
import { deadlineIn } from '../../../kit/deadline.ts';
import { silent } from '../../../kit/log.ts';
import { type Verbs, verbsOf } from '../../../lifecycle/index.ts';
import type { DriverTools } from '../../../providers/index.ts';
import type { Values, Written } from '../settings-file.ts';
import type { Recorder } from './recorder.ts';

/** The driver under test with everything that a rule may do to it. */
export interface Bench {
  readonly said: Awaited<ReturnType<DriverTools['askDriver']>>;
  readonly provider: Provider;
  readonly values: Values;
  readonly recorder: Recorder;
  /** One primitive, asked by itself. */
  readonly client: ReturnType<DriverTools['createClient']>;
  has(capability: string): boolean;
  /** The verbs as one management server has them; two servers know nothing of each other. */
  verbs(server?: string): Verbs;
  /** An instance that no machine was made for yet. */
  instance(): SizedInstance;
  /** Whether an instance of this bench has the UUID. */
  isOwn(uuid: string): boolean;
  /** The machines whose mark names the instance. */
  own(instance: SizedInstance): Promise<readonly RemoteMachine[]>;
  /** The machines that are none of this check's. */
  strangers(): Promise<readonly RemoteMachine[]>;
}

export interface BenchParts extends Pick<Bench, 'said' | 'provider' | 'values' | 'recorder'> {
  readonly client: Bench['client'];
  readonly directory: string;
  readonly installation: string;
  readonly nics: Written['nics'];
  /** A number that no other instance of this check has. */
  nextId(): number;
}

/** How long one verb may take, in seconds; a driver that needs longer is told so. */
export const verbSeconds = 120;

export function createBench(parts: BenchParts): Bench {
  const { said, provider, values, recorder, client, directory, installation, nics } = parts;
  const uuids = new Set<string>();
  const verbs: Bench['verbs'] = (server = 'one') =>
    verbsOf(provider, values.settings, {
      ...{ deadline: deadlineIn(verbSeconds), log: silent, installation },
      stateDirectory: (name) => existing(join(directory, server, name)),
    });
  const isOurs = ({ mark }: RemoteMachine): boolean =>
    typeof mark === 'object' && mark.installation === installation;
  return {
    ...{ said, provider, values, recorder, client, verbs },
    has: (capability) => (said.capabilities ?? []).some((each) => each === capability),
    instance() {
      const made = instanceOf(parts.nextId(), nics);
      uuids.add(made.uuid);
      return made;
    },
    isOwn: (uuid) => uuids.has(uuid),
    async own({ uuid }) {
      const all = await verbs('looker').machines();
      return all.filter(({ mark }) => typeof mark === 'object' && mark.uuid === uuid);
    },
    strangers: async () => (await verbs('looker').machines()).filter((each) => !isOurs(each)),
  };
}

function existing(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

function instanceOf(id: number, nics: Written['nics']): SizedInstance {
  const tail = `${id.toString(16).padStart(4, '0')}${process.pid.toString(16).padStart(8, '0')}`;
  return {
    ...{
      uuid: `0d71e5c4-c4ec-4a8b-a8d5-${tail.slice(-12).padStart(12, '0')}`,
      name: `i-9-${id}-VM`,
    },
    ...{ id, deploying: true, stored: {}, cpus: 1, memoryBytes: 256 * 2 ** 20 },
    nics: nics.map((wire, deviceId) => ({
      ...{ deviceId, uuid: `0d71e5c4-91c0-4a8b-${deviceId.toString(16).padStart(4, '0')}-${tail}` },
      mac: `02:4f:52:${id
        .toString(16)
        .padStart(6, '0')
        .replace(/(..)(?=.)/g, '$1:')
        .slice(0, 5)}:0${deviceId % 10}`,
      isDefault: deviceId === 0,
      segment: wire === 'untagged' ? { kind: wire } : { kind: 'vlan', id: wire },
      network: {},
    })),
  };
}
