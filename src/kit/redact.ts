const mask = '***';
const telling = /secret|passw|token|api_?key|private|credential|authorization|signature|cookie/i;
/** Shorter ones would blot out half of every text they are removed from. */
const shortest = 4;

/** Removes secrets from whatever is about to be shown or logged. */
export interface Redactor {
  text(value: string): string;
  /** Any value for the log: secrets masked by key and by content, errors as their text. */
  value(value: unknown): unknown;
}

/** A redactor that knows the secrets of this call by their content. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const known = [...new Set(secrets.filter((secret) => secret.length >= shortest))]
    // The longest first, so that a secret inside another does not leave the rest standing.
    .sort((a, b) => b.length - a.length)
    .flatMap((secret) => [secret, ...inUrls(secret)]);
  const text = (value: string): string =>
    known.reduce((rest, secret) => rest.split(secret).join(mask), value);

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

/** The secret as a URL holds it; half a Unicode character cannot get into one. */
function inUrls(secret: string): string[] {
  try {
    return [encodeURIComponent(secret)];
  } catch {
    return [];
  }
}
