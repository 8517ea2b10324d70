import { Failure } from '../../../failure.ts';

/*
 * The target information of NTLM (MS-NLMP 2.2.2.1): numbered values, one behind the other.
 */

export const pair = { end: 0, flags: 6, timestamp: 7, target: 9, binding: 10 } as const;

/** In the order they came, without the end. */
export type Pairs = readonly (readonly [id: number, value: Buffer])[];

export function readPairs(info: Buffer): Pairs {
  const pairs: (readonly [number, Buffer])[] = [];
  for (let at = 0; at + 4 <= info.length; ) {
    const id = info.readUInt16LE(at);
    const size = info.readUInt16LE(at + 2);
    if (id === pair.end) return pairs;
    pairs.push([id, info.subarray(at + 4, at + 4 + size)]);
    at += 4 + size;
  }
  throw strange('its target information has no end');
}

export function writePairs(pairs: Pairs): Buffer {
  const parts = [...pairs, [pair.end, Buffer.alloc(0)] as const].map(([id, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(id);
    head.writeUInt16LE(value.length, 2);
    return Buffer.concat([head, value]);
  });
  return Buffer.concat(parts);
}

/** For a challenge that no Windows sends. */
export function strange(why: string): Failure {
  return new Failure('upstream', `The answer to the NTLM login cannot be used: ${why}`, {
    advice: 'Is there a proxy between this server and the Hyper-V host?',
    reason: 'login',
  });
}
