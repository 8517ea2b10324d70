import type { CommandCall } from './command.ts';
import { paintFor } from './paint.ts';
import { visible } from './visible.ts';

/** Tells somebody who sits there what is going on; a script hears nothing. */
export function progressOf({
  json,
  world,
}: Pick<CommandCall, 'json' | 'world'>): (step: string) => void {
  const { dim } = paintFor(world);
  return (step) => {
    if (world.terminal && !json) world.err(dim(`  ${visible(step)} ...`));
  };
}
