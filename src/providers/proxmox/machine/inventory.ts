import type { RemoteMachine } from '../../../contract/machine.ts';
import { holderOf, withoutHolder } from '../api/lock-holder.ts';
import type { Config, Row } from '../api/wire.ts';
import { memoryOf } from './hardware.ts';
import { readIndex } from './index-tag.ts';
import { isSaved, type Live, powerOf } from './live.ts';
import { liveOn } from './live-nodes.ts';
import { macOf, netKeys, segmentOf } from './nics.ts';
import { listAll, type Seen, seenByIndex } from './read.ts';
import { readEach } from './scan-owned.ts';
import type { Session } from './session.ts';

/** Every machine that the token sees, for `audit` and `adopt`, whoever made it. */
export async function machines(session: Session): Promise<readonly RemoteMachine[]> {
  const rows = await listAll(session);
  const live = await liveOn(session, new Set(rows.map(({ node }) => node)));
  const answering = rows.filter(({ node, vmid }) => live.get(node)?.has(vmid));
  const read = await readEach(session, answering, { current: true });
  const seen = new Map(read.map((each) => [each.row.vmid, each]));
  return Promise.all(
    rows.map((row) => {
      const one = seen.get(row.vmid);
      if (one?.config === undefined) return unread(row);
      return describe(session, one, live.get(row.node)?.get(row.vmid));
    }),
  );
}

/** What its tags say is better than nothing. */
function unread(row: Row): RemoteMachine {
  const { name = '', template } = row;
  const index = readIndex(row.tags);
  return {
    ...{ remoteId: String(row.vmid), name, template, power: 'unknown' },
    mark: index === undefined ? 'unreadable' : seenByIndex(row, index).mark,
    remarks: [`it cannot be read on node ${row.node}`],
  };
}

async function describe(
  session: Session,
  seen: Seen,
  live: Live | undefined,
): Promise<RemoteMachine> {
  const { remoteId, name = '', mark, template = false, config = {} } = seen;
  const building = typeof mark === 'object' && mark.state === 'building';
  const remarks = await remarksOn(session, seen, live);
  return {
    ...{ remoteId, name, mark, template },
    power: live === undefined || building ? 'unknown' : powerOf(live),
    cpus: Number(config['cores'] ?? 1) * Number(config['sockets'] ?? 1),
    memoryBytes: memoryOf(config) * 1024 ** 2,
    nics: nicsIn(session, config),
    ...(remarks.length === 0 ? {} : { remarks }),
    ...(isLeftover(seen, remarks) ? { leftover: true } : {}),
  };
}

/** A copy gets its mark when it is finished: one that nobody works on any more never got it. */
function isLeftover({ mark, config = {} }: Seen, remarks: readonly string[]): boolean {
  const halfMade = config['lock'] === 'clone' || config['lock'] === 'create';
  return mark === undefined && halfMade && remarks.length > 0;
}

function nicsIn({ settings }: Session, config: Config): NonNullable<RemoteMachine['nics']> {
  return netKeys(config).map((key) => {
    const net = config[key] ?? '';
    return { mac: macOf(net).toLowerCase(), ...segmentOf(settings, net) };
  });
}

async function remarksOn(
  { api }: Session,
  { row, config = {}, index, mark }: Seen,
  live: Live | undefined,
): Promise<readonly string[]> {
  const { lock } = config;
  const remarks: string[] = [];
  if (live !== undefined && isSaved(live)) remarks.push('its memory is saved to disk');
  else if (lock !== undefined && (await holderOf(api, row, lock)) === undefined) {
    remarks.push(`it is locked (${lock}). ${withoutHolder(row, lock)}`);
  }
  if (live?.status === 'running' && /^(io-error|internal-error)$/.test(live.qmp ?? '')) {
    remarks.push(`it runs with an error: ${live.qmp}`);
  }
  if (index !== undefined && typeof mark !== 'object') {
    remarks.push(`its index tag says that it is ${index.name}'s, but it carries no readable mark`);
  }
  if (index !== undefined && typeof mark === 'object' && mark.uuid !== index.uuid) {
    remarks.push("its index tag is another instance's: remove the tag that begins with or1");
  }
  return remarks;
}
