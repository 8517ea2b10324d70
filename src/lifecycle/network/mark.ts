import type { NetworkMark } from '../../contract/network.ts';
import { shortHash } from '../../kit/short-hash.ts';

const opening = 'outrigger:1:';

/** At most 100 characters that every remote system's free text takes: letters, digits, `.`, `_`, `-`, `:`. */
export function writeNetworkMark({ installation, networkId }: NetworkMark): string {
  return `${opening}${installation}:${networkId}`;
}

/** The mark that a text begins with; `unreadable` for one of a later version or a damaged one. */
export function readNetworkMark(text: string): NetworkMark | 'unreadable' | undefined {
  if (!text.startsWith('outrigger:')) return undefined;
  const [, installation, networkId] =
    /^outrigger:1:([A-Za-z0-9._-]{1,64}):(\d{1,19})(?: |$)/.exec(text) ?? [];
  if (installation === undefined || networkId === undefined) return 'unreadable';
  return { installation, networkId };
}

/** An id for a remote network from its mark alone: every server and every call finds the same. */
export function networkIdOf({ installation, networkId }: NetworkMark, length: number): string {
  return `or${shortHash(`${installation}:${networkId}`, length - 2)}`;
}
