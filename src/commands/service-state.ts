import type { Config } from '../cloudstack/config.ts';
import type { CommandWorld } from './command.ts';
import { findAccount } from './doctor/account.ts';

/** Where the service keeps its state, also when root runs the command: the state is the service's. */
export function serviceState(
  { stateDirectory }: Pick<Config, 'stateDirectory'>,
  { env }: Pick<CommandWorld, 'env'>,
): string {
  const asRoot = process.getuid?.() === 0;
  const home = asRoot ? findAccount('cloud')?.home : undefined;
  return (
    stateDirectory ?? `${(home ?? env['HOME'] ?? '').replace(/\/+$/, '')}/.local/state/outrigger`
  );
}
