import type { CommandCall, CommandWorld } from './command.ts';

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

const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const steeringButBreaks = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line in which characters that steer a terminal are shown as \xNN instead of obeyed. */
export function visible(text: string): string {
  return text.replace(steering, escaped);
}

/** The same for a text whose line breaks are meant. */
export function visibleLines(text: string): string[] {
  return text.replace(steeringButBreaks, escaped).split('\n');
}

function escaped(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}

/** The width of a line: the width of the terminal, or 100 where there is none or it is unknown. */
export function columnsOf({ terminal }: Pick<CommandWorld, 'terminal'>): number {
  return (terminal && process.stdout.columns) || 100;
}

/** Shows the progress to an operator at a terminal; a script gets nothing. */
export function progressOf({
  json,
  world,
}: Pick<CommandCall, 'json' | 'world'>): (step: string) => void {
  const { dim } = paintFor(world);
  return (step) => {
    if (world.terminal && !json) world.err(dim(`  ${visible(step)} ...`));
  };
}

/** A word as it would have to be typed, so that a shown command line can be repeated. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
