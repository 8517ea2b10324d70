import type { CommandWorld } from './command.ts';

/** How wide a line may be: as the terminal is, 100 where there is none or it does not say. */
export function columnsOf({ terminal }: Pick<CommandWorld, 'terminal'>): number {
  return (terminal && process.stdout.columns) || 100;
}
