import { ServerResponse } from 'node:http';

type Method = (this: ServerResponse, ...given: unknown[]) => unknown;

/**
 * Lets `change` rewrite every body that a server of this process sends, just before it goes out,
 * until the function that it answers is called. Its effects until then stay.
 */
export function rewriteResponses(change: (body: string) => string): () => void {
  const prototype = ServerResponse.prototype as unknown as Record<'writeHead' | 'end', Method>;
  const { writeHead, end } = prototype;
  const heads = new WeakMap<ServerResponse, unknown[]>();
  // Held back, since it says how long the body is.
  prototype.writeHead = function (...head) {
    heads.set(this, head);
    return this;
  };
  prototype.end = function (body) {
    const text = change(body === undefined ? '' : String(body));
    const [status = this.statusCode, ...rest] = heads.get(this) ?? [];
    writeHead.call(this, status, ...rest.map((part) => withLength(part, Buffer.byteLength(text))));
    return end.call(this, text);
  };
  return () => Object.assign(prototype, { writeHead, end });
}

/** Headers as a list of names and values in turn, or as an object; a reason stays as it is. */
function withLength(part: unknown, length: number): unknown {
  if (!Array.isArray(part)) return part;
  const at = part.findIndex((word) => String(word).toLowerCase() === 'content-length');
  return at < 0 ? part : part.map((word, index) => (index === at + 1 ? String(length) : word));
}

/** The JSON documents inside a body, as `change` leaves them; anything else stays as it is. */
export function rewriteDocuments(body: string, change: (document: unknown) => unknown): string {
  const direct = parsed(body);
  if (direct !== undefined) return JSON.stringify(change(direct.document)) ?? '';
  return body.includes(stream) ? inStreams(body, change) : body;
}

function parsed(text: string): { readonly document: unknown } | undefined {
  try {
    return { document: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

const stream = '<rsp:Stream Name="stdout"';
const content = /(<rsp:Stream Name="stdout"[^>]*>)([^<]*)(?=<\/rsp:Stream>)/g;

/** WinRM cuts what PowerShell says into streams in base64; each line of it holds JSON in base64. */
function inStreams(body: string, change: (document: unknown) => unknown): string {
  const parts = [...body.matchAll(content)].map(([, , text = '']) => Buffer.from(text, 'base64'));
  const said = Buffer.concat(parts).toString('latin1');
  const changed = said.replace(/^(outrigger-answer \d+ )(\S+)/gm, (_, word: string, base64) => {
    const document: unknown = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
    const told = JSON.stringify(change(document)) ?? 'nothing';
    return `${word}${Buffer.from(told).toString('base64')}`;
  });
  let left = changed;
  return body.replace(content, (_, open: string) => {
    const all = Buffer.from(left, 'latin1').toString('base64');
    left = '';
    return `${open}${all}`;
  });
}
