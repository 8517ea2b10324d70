import type { Json } from './json.ts';

/* JSON as Gson 2.10 reads it for CloudStack: lenient while it reads, strict about what follows. */

const blank = /[ \t\r\n]/;
const endOfWord = /[/\\;#={}[\]:, \t\f\r\n]/;
const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '\n': '\n',
  "'": "'",
  '"': '"',
  '\\': '\\',
  '/': '/',
};

/** The value, or `undefined` where Gson would refuse the text. */
export function parseGson(text: string): Json | undefined {
  try {
    return readDocument(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

/** The same tree that parsing its JSON would give. */
export function fromPlain(value: unknown): Json {
  return parseGson(JSON.stringify(value) ?? 'null') ?? { kind: 'null' };
}

function readDocument(text: string): Json {
  let at = 0;

  const peek = (): string => text.charAt(at);
  const fail = (): never => {
    throw new SyntaxError(`unexpected at ${at}`);
  };

  const skipBlanks = (): void => {
    while (at < text.length && blank.test(peek())) at++;
  };
  const skipTo = (end: string): void => {
    const found = text.indexOf(end, at);
    at = found < 0 ? text.length : found + end.length;
  };
  const skip = (): void => {
    for (skipBlanks(); ; skipBlanks()) {
      if (peek() === '#' || text.startsWith('//', at)) skipTo('\n');
      else if (text.startsWith('/*', at)) skipTo('*/');
      else return;
    }
  };

  const escaped = (): string => {
    const letter = peek();
    at++;
    if (letter !== 'u') return escapes[letter] ?? fail();
    const code = text.slice(at, at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(code)) fail();
    at += 4;
    return String.fromCharCode(Number.parseInt(code, 16));
  };
  const quoted = (): string => {
    const quote = peek();
    let value = '';
    for (at++; peek() !== quote; ) {
      if (at >= text.length) fail();
      const letter = peek();
      at++;
      value += letter === '\\' ? escaped() : letter;
    }
    at++;
    return value;
  };
  const unquoted = (): string => {
    const start = at;
    while (at < text.length && !endOfWord.test(peek())) at++;
    return at === start ? fail() : text.slice(start, at);
  };

  const word = (): Json => {
    const value = unquoted();
    const lower = value.toLowerCase();
    if (lower === 'null') return { kind: 'null' };
    if (lower === 'true' || lower === 'false') return { kind: 'boolean', value: lower === 'true' };
    return number.test(value) ? { kind: 'number', text: value } : { kind: 'string', value };
  };
  const name = (): string => (peek() === '"' || peek() === "'" ? quoted() : unquoted());

  const object = (): Json => {
    const members = new Map<string, Json>();
    at++;
    skip();
    if (peek() === '}') at++;
    else {
      do {
        skip();
        const key = name();
        skip();
        if (peek() === '=' && text.charAt(at + 1) === '>') at++;
        else if (peek() !== ':' && peek() !== '=') fail();
        at++;
        members.set(key, value());
        skip();
      } while (separated('}'));
    }
    return { kind: 'object', members };
  };
  const array = (): Json => {
    const items: Json[] = [];
    at++;
    skip();
    if (peek() === ']') at++;
    else {
      do {
        skip();
        const left = peek() === ',' || peek() === ';' || peek() === ']';
        items.push(left ? { kind: 'null' } : value());
        skip();
      } while (separated(']'));
    }
    return { kind: 'array', items };
  };
  const separated = (end: string): boolean => {
    const letter = peek();
    at++;
    if (letter === end) return false;
    return letter === ',' || letter === ';' ? true : fail();
  };

  const value = (): Json => {
    skip();
    if (peek() === '{') return object();
    if (peek() === '[') return array();
    if (peek() === '"' || peek() === "'") return { kind: 'string', value: quoted() };
    return word();
  };

  skip();
  if (at >= text.length) return { kind: 'null' };
  const json = value();
  // The end is read strictly again: not even a comment may follow.
  skipBlanks();
  return at < text.length && json.kind !== 'null' ? fail() : json;
}
