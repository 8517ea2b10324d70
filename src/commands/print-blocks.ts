import { type Block, readable } from './blocks.ts';
import { columnsOf } from './columns.ts';
import type { CommandWorld } from './command.ts';
import { paintFor } from './paint.ts';

/** Prints blocks as wide as the terminal is. */
export function printBlocks(blocks: readonly Block[], world: CommandWorld): void {
  const lines = readable(blocks, columnsOf(world), paintFor(world).bold);
  for (const line of lines) world.out(line);
}
