import { toSegment } from '../../cloudstack/nic.ts';
import type { Deadline } from '../../contract/context.ts';
import type { NetworkDriver, Networks, RemoteNetwork } from '../../contract/network.ts';
import { Failure, fullText } from '../../failure.ts';
import { deadlineIn } from '../../kit/deadline.ts';
import { createRedactor } from '../../kit/redact.ts';
import type { CommandWorld } from '../command.ts';
import type { ListedNetwork, NetworkRegistration } from '../network-half/extensions.ts';
import { type OpenHalf, openHalf } from '../network-half/open.ts';
import type { Finding } from './finding.ts';
import { type GuestMoment, guestFindings } from './guest-data.ts';
import type { Halves, Lists } from './listed.ts';

interface Options {
  readonly world: CommandWorld;
  readonly deadline: Deadline;
  readonly onStep: (what: string) => void;
}

/** Networks and guests' data on remote systems that CloudStack knows nothing of, and the other way round. */
export async function networkFindings(lists: Lists, options: Options): Promise<readonly Finding[]> {
  const halves = await lists.halves?.();
  const asked = halves?.extensions.flatMap(({ name, registrations }) =>
    registrations
      // Without that detail another extension's file serves the networks.
      .filter(({ details }) => details['provider'] !== undefined)
      .map((registration) => ({ name, registration })),
  );
  const found: Finding[] = [];
  for (const [at, { name, registration }] of (asked ?? []).entries()) {
    if (halves === undefined) break;
    options.onStep(`asking ${name}`);
    // One that never answers must leave time for those after it.
    const share = options.deadline.remainingMs() / 1000 / Math.min((asked?.length ?? 1) - at, 10);
    const given = { ...options, deadline: deadlineIn(share) };
    found.push(...(await half(name, registration, { ...given, lists, halves })));
  }
  return found;
}

interface Place extends Options {
  readonly lists: Lists;
  readonly halves: Halves;
}

async function half(
  extension: string,
  { physicalNetwork, details }: NetworkRegistration,
  place: Place,
): Promise<readonly Finding[]> {
  const secrets: string[] = [];
  try {
    const open = await openHalf(details, place, secrets);
    const driver = await open.half.connect(open.settings, open.context);
    try {
      return [
        ...(await remoteFindings(extension, open, driver, place)),
        ...(await keptFindings(extension, driver, place)),
      ];
    } finally {
      await driver.close?.();
    }
  } catch (thrown) {
    const found = createRedactor(secrets).text(fullText(Failure.from(thrown)));
    const subject = `${extension} on ${physicalNetwork.name}`;
    return [{ severity: 'unknown', kind: 'unreachable-networks', subject, found }];
  }
}

async function remoteFindings(
  extension: string,
  { context }: OpenHalf,
  { networks }: NetworkDriver,
  { deadline, halves }: Place,
): Promise<readonly Finding[]> {
  if (networks === undefined) return [];
  const all = await networks.list(deadline);
  // A network that is made meanwhile is among those that CloudStack lists afterwards.
  const listed = await halves.networks();
  const own = all.filter(
    ({ mark }) => typeof mark === 'object' && mark.installation === context.installation,
  );
  const named = new Set(listed.flatMap(remoteIdOf));
  const spare = own.filter(({ remoteId }) => !named.has(remoteId));
  const found: Finding[] = [];
  for (const remote of spare) found.push(await spareNetwork(networks, remote, deadline));
  return [
    ...found,
    ...twins(own),
    ...all.filter(({ mark }) => mark === 'unreadable').map(unreadable),
    ...missing(extension, listed, all),
  ];
}

function remoteIdOf({ broadcastUri }: ListedNetwork): readonly string[] {
  const segment = toSegment(broadcastUri);
  return segment.kind === 'named' ? [segment.name] : [];
}

/** The number in the mark is one of CloudStack's database, which its API does not show. */
async function spareNetwork(
  networks: Networks,
  remote: RemoteNetwork,
  deadline: Deadline,
): Promise<Finding> {
  const users = await networks.users(remote, deadline);
  const about = [remote.remoteId, ...(networks.describe?.(remote) ?? [])].join(', ');
  const id = typeof remote.mark === 'object' ? remote.mark.networkId : '?';
  const by = users.length === 0 ? 'nothing' : users.slice(0, 3).join(', ');
  return {
    ...{ severity: 'warning', kind: 'network', subject: remote.remoteId },
    found: `the remote network ${about} of CloudStack's network ${id} is named by no network in CloudStack, and on the remote system by ${by}`,
    advice:
      users.length === 0
        ? 'A failed call has left it: the next shutdown or deletion of its network removes it; where CloudStack has no such network any more (select name, removed from networks where id=...), remove it by hand'
        : 'It was kept when its network was shut down, for it is in use; the next shutdown removes it once nothing names it',
  };
}

function twins(own: readonly RemoteNetwork[]): readonly Finding[] {
  const idOf = ({ mark }: RemoteNetwork) => (typeof mark === 'object' ? mark.networkId : '');
  return own.flatMap((one, at) => {
    const twin = own.slice(0, at).find((other) => idOf(other) === idOf(one));
    if (twin === undefined) return [];
    return [
      {
        ...({ severity: 'critical', kind: 'network', subject: one.remoteId } as const),
        found: `${twin.remoteId} and ${one.remoteId} carry the mark of one network`,
        advice: 'Remove the mark of the copy: until then nothing is done with that network',
      },
    ];
  });
}

function unreadable({ remoteId }: RemoteNetwork): Finding {
  return {
    ...{ severity: 'critical', kind: 'network', subject: remoteId },
    found: 'its mark cannot be read: it was damaged, or a later version wrote it',
    advice: 'Repair the mark, or remove it where the network is not one of CloudStack',
  };
}

/** Networks of this extension in CloudStack whose remote one is gone: their instances are cut off. */
function missing(
  extension: string,
  listed: readonly ListedNetwork[],
  all: readonly RemoteNetwork[],
): readonly Finding[] {
  const there = new Set(all.map(({ remoteId }) => remoteId));
  return listed
    .filter(({ providers }) => Object.values(providers).includes(extension))
    .flatMap((network) => {
      const [gone] = remoteIdOf(network).filter((id) => !there.has(id));
      if (gone === undefined) return [];
      return [
        {
          ...({ severity: 'critical', kind: 'network', subject: network.name } as const),
          found: `its remote network ${gone} is not there: running instances are cut off, and none starts`,
          advice: 'restartNetwork makes it again; stop and start the instances on it then',
        },
      ];
    });
}

async function keptFindings(
  extension: string,
  { guests }: NetworkDriver,
  { deadline, lists }: Place,
): Promise<readonly Finding[]> {
  if (guests === undefined) return [];
  const records = await guests.read('all', deadline);
  const moment: GuestMoment = {
    extension,
    now: new Date(),
    // An instance that is deployed meanwhile is in the second list, one that is expunged in the first.
    instances: [...lists.instances, ...(records.length === 0 ? [] : await lists.again())],
  };
  return guestFindings(records, moment);
}
