/*
 * The archive inside an .rpm: cpio in the format `newc`, whose numbers are eight hexadecimal digits.
 */

export const fileType = { folder: 0o040000, link: 0o120000, file: 0o100000 };

/** `entries` have a path, a mode with its type, a number and a content; all belong to root. */
export function cpioOf(entries, seconds) {
  const members = entries.map(({ path, mode, inode, content }) =>
    member({ name: `./${path}`, mode, inode, content, seconds }),
  );
  const end = { name: 'TRAILER!!!', mode: 0, inode: 0, content: Buffer.alloc(0), seconds: 0 };
  return Buffer.concat([...members, member(end)]);
}

function member({ name, mode, inode, content, seconds }) {
  const numbers = [inode, mode, 0, 0, 1, seconds, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const words = numbers.map((number) => number.toString(16).padStart(8, '0'));
  return Buffer.concat([filled(Buffer.from(`070701${words.join('')}${name}\0`)), filled(content)]);
}

/** Headers and contents end at a multiple of four. */
function filled(data) {
  return Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}
