import type { Network, Networks, RemoteNetwork } from '../../../contract/network.ts';
import { Failure } from '../../../failure.ts';
import { networkIdOf, readNetworkMark, writeNetworkMark } from '../../../lifecycle/network/mark.ts';
import type { WiredNic } from '../api/machine.ts';
import type { Script, Session } from '../machine/session.ts';
import { type Files, openFiles } from './files.ts';

/** A network of the simulated system; its file's name is its id. */
interface SimulatedNetwork {
  /** Free text that begins with the mark. */
  readonly alias: string;
  readonly tag?: number | 'untagged';
  readonly cidr?: string;
  readonly gateway?: string;
}

interface Seen extends RemoteNetwork {
  readonly file: SimulatedNetwork;
}

export function networks(session: Session<Script>): Networks<Seen> {
  const { store, task } = session;
  const files = networkFiles(session);
  const put = (remoteId: string, file: SimulatedNetwork): Seen => {
    files.write(remoteId, file);
    return seenFrom(remoteId, file);
  };
  return {
    async list() {
      if (store.visibility() === 'hidden') throw blind();
      return files.names().flatMap((name) => readOne(files, name));
    },
    idFor: (mark) => networkIdOf(mark, 12),
    async make(network, mark, { deadline, undo }) {
      const remoteId = networkIdOf(mark, 12);
      const alias = writeNetworkMark(mark);
      const made = await store.locked(`network-${remoteId}`, 'another change', async () => {
        const [there] = readOne(files, remoteId);
        if (there !== undefined && there.file.alias !== alias) throw isThere(remoteId);
        return put(remoteId, { alias, ...partsOf(network) });
      });
      undo.add(`remove network ${remoteId}`, async () => files.remove(remoteId));
      await task(`making network ${remoteId}`, deadline);
      return made;
    },
    async update({ remoteId, file: { alias } }, network, { deadline }) {
      await task(`changing network ${remoteId}`, deadline);
      return put(remoteId, { alias, ...partsOf(network) });
    },
    broadcast: ({ remoteId }) => ({ uri: `vs://${remoteId}`, type: 'Vswitch' }),
    users: async ({ remoteId }) =>
      store.list().flatMap(({ machine }) => {
        if (machine === undefined) return [];
        const snapshots = machine.snapshots.map(({ name, configuration }) => ({
          name: `snapshot ${name} of machine ${machine.remoteId}`,
          nics: configuration.nics,
        }));
        return [{ name: `machine ${machine.remoteId}`, nics: machine.nics }, ...snapshots]
          .filter(({ nics }) => nics.some((nic) => isOn(nic, remoteId)))
          .map(({ name }) => name);
      }),
    async remove({ remoteId }, { deadline }) {
      await task(`removing network ${remoteId}`, deadline);
      files.remove(remoteId);
    },
    describe: ({ file: { tag } }) => (tag === undefined ? [] : [`VLAN ${tag}`]),
  };
}

export function networkFiles({ folder }: Pick<Session<Script>, 'folder'>): Files {
  return openFiles(`${folder}/networks`);
}

function readOne(files: Files, remoteId: string): readonly Seen[] {
  const file = files.read(remoteId) as Partial<SimulatedNetwork> | undefined;
  if (file === undefined) return [];
  return [seenFrom(remoteId, { ...file, alias: String(file.alias ?? '') })];
}

function seenFrom(remoteId: string, file: SimulatedNetwork): Seen {
  return { remoteId, file, mark: readNetworkMark(file.alias) };
}

function partsOf({ tag, cidr, gateway }: Network): Omit<SimulatedNetwork, 'alias'> {
  return {
    ...(tag === undefined ? {} : { tag }),
    ...(cidr === undefined ? {} : { cidr }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

function isOn({ segment }: WiredNic, remoteId: string): boolean {
  return segment.kind === 'named' && segment.name === remoteId;
}

function blind(): Failure {
  return new Failure('denied', 'The simulator does not show its networks');
}

function isThere(remoteId: string): Failure {
  return new Failure('conflict', `The network ${remoteId} is there already`);
}
