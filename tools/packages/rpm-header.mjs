/*
 * A header of an .rpm: an index of numbered values, and the values themselves. The first of them seals
 * all others: its value, at the end, says how long the index is.
 */

const types = { int16: 3, int32: 4, string: 6, binary: 7, strings: 8, translated: 9 };
const aligned = { int16: 2, int32: 4 };

/** `values` are `[number, type, value]`; `seal` is the number of the first one. */
export function headerOf(seal, values) {
  const sorted = [...values].sort(([one], [other]) => one - other);
  const index = [];
  let data = Buffer.alloc(0);
  for (const [tag, type, value] of sorted) {
    const padding = (-data.length & ((aligned[type] ?? 1) - 1)) >>> 0;
    data = Buffer.concat([data, Buffer.alloc(padding)]);
    index.push(entry(tag, types[type], data.length, countOf(type, value)));
    data = Buffer.concat([data, bytesOf(type, value)]);
  }
  const first = entry(seal, types.binary, data.length, 16);
  const last = entry(seal, types.binary, -16 * (index.length + 1), 16);
  const all = Buffer.concat([first, ...index]);
  const store = Buffer.concat([data, last]);
  const head = Buffer.from('8eade80100000000', 'hex');
  return Buffer.concat([head, numbers([index.length + 1, store.length]), all, store]);
}

function entry(tag, type, offset, count) {
  return numbers([tag, type, offset, count]);
}

function numbers(values) {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeInt32BE(value | 0, 4 * at);
  return bytes;
}

function countOf(type, value) {
  if (type === 'binary') return value.length;
  return Array.isArray(value) ? value.length : 1;
}

function bytesOf(type, value) {
  if (type === 'binary') return value;
  const list = Array.isArray(value) ? value : [value];
  if (type === 'int32') return numbers(list);
  if (type !== 'int16') return Buffer.from(list.map((text) => `${text}\0`).join(''));
  const bytes = Buffer.alloc(2 * list.length);
  for (const [at, number] of list.entries()) bytes.writeUInt16BE(number, 2 * at);
  return bytes;
}
