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
