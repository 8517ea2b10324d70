import type { CommandWorld } from './command.ts';

/** Colours for words; each is the word itself where colours are not welcome. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

/** Colours on a terminal, unless NO_COLOR is set to anything. */
export function paintFor({ terminal, env }: Pick<CommandWorld, 'terminal' | 'env'>): Paint {
  const colours = terminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const sequence = (on: number, off: number) => (text: string) =>
    colours ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    bold: sequence(1, 22),
    dim: sequence(2, 22),
    green: sequence(32, 39),
    red: sequence(31, 39),
    yellow: sequence(33, 39),
  };
}
