import { type Block, readable } from './blocks.ts';
import type { CommandWorld } from './command.ts';
import { paintFor } from './paint.ts';

/** Prints blocks as wide as the terminal is, 100 columns where there is none. */
export function printBlocks(blocks: readonly Block[], world: CommandWorld): void {
  const columns = world.terminal ? process.stdout.columns || 100 : 100;
  for (const line of readable(blocks, columns, paintFor(world).bold)) world.out(line);
}
