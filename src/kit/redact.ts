const mask = '***';
const telling =
  /secret|passw|passphrase|token|api_?key|private|credential|authorization|signature|cookie/i;
/** Masking shorter secrets would make texts unreadable. */
const shortest = 4;

/** Removes secrets from texts and values before they are shown or logged. */
export interface Redactor {
  text(value: string): string;
  /** Any value for the log: secrets masked by key and by content, errors as their text. */
  value(value: unknown): unknown;
}

/** A redactor that masks these secrets wherever they stand. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const known = [...new Set(secrets.filter((secret) => secret.length >= shortest))]
    // The longest first, so that a secret inside another does not leave the rest standing.
    .sort((a, b) => b.length - a.length)
    .flatMap((secret) => [...new Set([secret, ...elsewhere(secret)])]);
  const text = (value: string): string =>
    known.reduce((rest, secret) => maskCut(rest.split(secret).join(mask), secret), value);

  const value = (what: unknown, depth = 0): unknown => {
    if (typeof what === 'string') return text(what);
    if (what instanceof Error) return text(what.message);
    if (typeof what !== 'object' || what === null) return what;
    if (depth > 5) return '...';
    if (Array.isArray(what)) return what.map((entry) => value(entry, depth + 1));
    return Object.fromEntries(
      Object.entries(what).map(([key, entry]) => [
        key,
        telling.test(key) && entry !== undefined ? mask : value(entry, depth + 1),
      ]),
    );
  };
  return { text, value: (what) => value(what) };
}

/** A text may have been cut inside the secret: the secret's beginning is masked too. */
function maskCut(text: string, secret: string): string {
  const start = secret.slice(0, shortest);
  let clean = text;
  for (let at = clean.indexOf(start); at >= 0; at = clean.indexOf(start, at + 1)) {
    let end = at + shortest;
    while (end < clean.length && clean[end] === secret[end - at]) end += 1;
    const rest = clean.slice(end, end + 3);
    if (rest === '' || rest === '...' || rest.startsWith('"')) {
      clean = clean.slice(0, at) + mask + clean.slice(end);
    }
  }
  return clean;
}

/** The secret as JSON and URLs write it; an unpaired surrogate cannot stand in a URL. */
function elsewhere(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  try {
    return [inJson, encodeURIComponent(secret)];
  } catch {
    return [inJson];
  }
}
