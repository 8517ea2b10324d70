import { both16, both32, encoded, sector, type Tree } from './records.ts';

export interface Volume {
  readonly label: string;
  /** Of the whole image. */
  readonly sectors: number;
  readonly tableBytes: number;
  readonly littleTableAt: number;
  readonly bigTableAt: number;
  /** The root directory's record of 34 bytes. */
  readonly root: Buffer;
}

/** The descriptor of one tree: the primary one, or that of Joliet. */
export function volumeDescriptor(tree: Tree, volume: Volume): Buffer {
  const { label, sectors, tableBytes, littleTableAt, bigTableAt, root } = volume;
  const block = Buffer.alloc(sector);
  block[0] = tree === 'plain' ? 1 : 2;
  block.write('CD001', 1, 'latin1');
  block[6] = 1;
  const fill = (at: number, bytes: number, text = ''): void => {
    const blanks = text.padEnd(Math.floor(bytes / (tree === 'plain' ? 1 : 2)), ' ');
    encoded(tree, blanks).copy(block, at);
  };
  fill(8, 32);
  fill(40, 32, label);
  both32(block, 80, sectors);
  if (tree === 'joliet') block.write('%/E', 88, 'latin1');
  both16(block, 120, 1);
  both16(block, 124, 1);
  both16(block, 128, sector);
  both32(block, 132, tableBytes);
  block.writeUInt32LE(littleTableAt, 140);
  block.writeUInt32BE(bigTableAt, 148);
  root.copy(block, 156);
  for (const at of [190, 318, 446]) fill(at, 128);
  fill(574, 128, 'OUTRIGGER');
  for (const at of [702, 739, 776]) fill(at, 37);
  for (const at of [813, 830]) block.write('2020010100000000', at, 'latin1');
  for (const at of [847, 864]) block.write('0'.repeat(16), at, 'latin1');
  block[881] = 1;
  return block;
}

export function terminator(): Buffer {
  const block = Buffer.alloc(sector);
  block[0] = 255;
  block.write('CD001', 1, 'latin1');
  block[6] = 1;
  return block;
}
