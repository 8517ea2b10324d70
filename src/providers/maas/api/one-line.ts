/** Somebody else's text as one line of a sentence, without what steers a terminal; cut at `most`. */
export function oneLine(given: string, most: number): string {
  // Nearly all are plain, and for the second expression V8 first reads all of Unicode.
  const line = /^[ -~]*$/.test(given) ? given : given.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ');
  const plain = line.trim();
  return plain.length > most ? `${plain.slice(0, most)}...` : plain;
}
