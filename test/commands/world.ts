import type { CommandWorld } from '../../src/commands/command.ts';
import type { Provider } from '../../src/contract/provider.ts';

export interface TestWorld extends CommandWorld {
  /** Everything on standard output. */
  printed(): string;
  /** Everything on standard error. */
  complained(): string;
}

/** A world that remembers what was printed. */
export function createWorld(
  given: Partial<CommandWorld> & { providers?: Readonly<Record<string, Provider>> } = {},
): TestWorld {
  const out: string[] = [];
  const err: string[] = [];
  const { providers = {}, env, ...rest } = given;
  const registry = Object.entries(providers).map(([name, one]) => [name, async () => one] as const);
  return {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    terminal: false,
    registry: Object.fromEntries(registry),
    self: '/nowhere/outrigger',
    env: { ...process.env, ...env },
    printed: () => out.join('\n'),
    complained: () => err.join('\n'),
    ...rest,
  };
}
