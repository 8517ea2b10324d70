/** A piece of a document: what stands between two tags, or a tag. */
export type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'close'; readonly tag: string }
  | Opening;

export interface Opening {
  readonly kind: 'open';
  readonly tag: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  /** Closes itself. */
  readonly empty: boolean;
}

const grammar =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^\s<>/]+)\s*>|<([^\s<>/!?]+)((?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/gy;

/** Makes the failure for a document that is no plain XML; `why` ends its sentence. */
export type Broken = (why: string) => Error;

/** The pieces in their order, without comments and instructions; throws what `broken` makes. */
export function* tokens(document: string, broken: Broken): Generator<Token> {
  let at = 0;
  for (const found of document.matchAll(grammar)) {
    const [whole, verbatim, closing, tag, attributes = '', slash, plain] = found;
    at += whole.length;
    if (verbatim !== undefined) yield { kind: 'text', text: verbatim };
    else if (closing !== undefined) yield { kind: 'close', tag: closing };
    else if (plain !== undefined) yield { kind: 'text', text: decodeText(plain, broken) };
    else if (tag !== undefined) {
      yield {
        kind: 'open',
        tag,
        attributes: readAttributes(attributes, broken),
        empty: slash === '/',
      };
    }
  }
  if (at < document.length) throw broken(`it cannot be read from character ${at} on`);
}

function readAttributes(text: string, broken: Broken): Opening['attributes'] {
  const pairs = text.matchAll(/([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return [...pairs].map(
    ([, name = '', one, two]) => [name, decodeText(one ?? two ?? '', broken)] as const,
  );
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

const reference = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));|&.{0,19}/g;

function decodeText(text: string, broken: Broken): string {
  return text.replace(reference, (whole, name?: string, decimal?: string, hex?: string) => {
    const known = entities[name ?? ''];
    const point = Number(decimal ?? `0x${hex}`);
    if (known !== undefined) return known;
    if (point <= 0x10ffff) return String.fromCodePoint(point);
    throw broken(`${whole} is no character`);
  });
}
