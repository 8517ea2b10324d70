import type { Instance } from '../../../contract/instance.ts';
import { path } from '../../../kit/http/address.ts';
import { judge, readMark } from '../../../lifecycle/mark.ts';
import { textOf } from '../api/wire.ts';
import { claimOf } from '../machine/find-for-read.ts';
import type { Machine } from '../machine/machine.ts';
import type { Session } from '../machine/session.ts';

/** Whether the configuration inside a backup carries the mark of this very machine. */
export async function isOwnBackup(
  session: Session,
  instance: Instance,
  { vmid, node }: Machine,
  volume: string,
): Promise<boolean> {
  const ask = { what: `read the configuration in ${volume}`, query: { volume } };
  const text = textOf(await session.api.get(path`/nodes/${node}/vzdump/extractconfig`, ask)) ?? '';
  const { uuid, installation } = claimOf(session, instance);
  const wanted = { uuid, installation, remoteId: String(vmid) };
  return judge(readMark(descriptionIn(text)), wanted) === 'ours';
}

/** The description stands at the top as comments, percent-encoded. */
function descriptionIn(config: string): string {
  const lines = config.split('\n').filter((line) => /^#(?!qmdump#)/.test(line));
  return lines.map((line) => decoded(line.slice(1))).join('\n');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
