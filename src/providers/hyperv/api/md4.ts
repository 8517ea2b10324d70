/**
 * MD4 as RFC 1320 defines it. Broken for every purpose but one: NTLM derives its key with it, and
 * the OpenSSL inside Node no longer offers it.
 */
export function md4(message: Buffer): Buffer {
  const words = padded(message);
  let state: State = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < words.length; at += 16) {
    state = compress(state, words.subarray(at, at + 16));
  }
  const digest = Buffer.alloc(16);
  state.forEach((word, i) => void digest.writeInt32LE(word | 0, i * 4));
  return digest;
}

type State = readonly [a: number, b: number, c: number, d: number];

interface Round {
  mix(b: number, c: number, d: number): number;
  readonly constant: number;
  /** Which word each of the sixteen steps takes. */
  readonly order: readonly number[];
  readonly shifts: readonly number[];
}

const rounds: readonly Round[] = [
  {
    mix: (b, c, d) => (b & c) | (~b & d),
    constant: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
  },
  {
    mix: (b, c, d) => (b & c) | (b & d) | (c & d),
    constant: 0x5a827999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
  },
  {
    mix: (b, c, d) => b ^ c ^ d,
    constant: 0x6ed9eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
  },
];

function compress(before: State, words: Int32Array): State {
  let [a, b, c, d] = before;
  for (const { mix, constant, order, shifts } of rounds) {
    order.forEach((word, step) => {
      const sum = (a + mix(b, c, d) + (words[word] ?? 0) + constant) | 0;
      const shift = shifts[step % 4] ?? 0;
      [a, b, c, d] = [d, (sum << shift) | (sum >>> (32 - shift)), b, c];
    });
  }
  return [(before[0] + a) | 0, (before[1] + b) | 0, (before[2] + c) | 0, (before[3] + d) | 0];
}

/** The message with its end mark and its length in bits, as little-endian words. */
function padded(message: Buffer): Int32Array {
  const bytes = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64);
  message.copy(bytes);
  bytes[message.length] = 0x80;
  bytes.writeUInt32LE((message.length * 8) >>> 0, bytes.length - 8);
  bytes.writeUInt32LE(Math.floor(message.length / 2 ** 29), bytes.length - 4);
  return Int32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(i * 4));
}
