import type { IncomingMessage } from 'node:http';
import type { Asked } from './address.ts';
import { bare } from './errors.ts';
import { maxBody, readBody } from './http.ts';
import type { State } from './state.ts';
import type { Raw } from './verify.ts';

export interface Taken {
  readonly raw: Raw;
  readonly files: ReadonlyMap<string, string>;
}

/** Reads what the request brings, with the refusals that come before anything is looked at. */
export async function take(
  asked: Asked,
  request: IncomingMessage,
  version: State['version'],
): Promise<Taken> {
  const { method } = asked;
  if (!['GET', 'POST', 'PUT', 'DELETE'].includes(method)) {
    throw bare(501, `method '${method}' not available`, '');
  }
  const raw = pairs(asked.url.searchParams);
  if (request.headers['transfer-encoding'] !== undefined) {
    throw bare(501, 'chunked transfer encoding not supported');
  }
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > 0 && (method === 'GET' || method === 'DELETE')) {
    throw bare(501, `Unexpected content for method '${method}'`);
  }
  const type =
    String(request.headers['content-type'] ?? '')
      .split(';', 1)[0]
      ?.trim() ?? '';
  if (length > maxBody && type !== 'multipart/form-data') throw bare(501, 'for data too large');
  if (asked.path.format !== 'json' && asked.path.format !== 'extjs') {
    throw bare(501, `no formatter for uri ${asked.path.rest}, ${asked.path.format}`);
  }
  const body = await readBody(request);
  if (method === 'GET' || method === 'DELETE') return { raw, files: new Map() };
  return fromBody({ raw, type, version }, body, String(request.headers['content-type'] ?? ''));
}

interface Form {
  readonly raw: Raw;
  readonly type: string;
  readonly version: State['version'];
}

function fromBody({ raw, type, version }: Form, body: Buffer, header: string): Taken {
  const files = new Map<string, string>();
  if (type === 'application/json') return { raw: { ...raw, ...parsedJson(body, version) }, files };
  if (type === 'multipart/form-data') return multipart(raw, body, header);
  if (type === '' && body.length === 0) return { raw, files };
  if (type !== 'application/x-www-form-urlencoded') {
    throw bare(506, `upload 'Content-Type '${type}' not implemented`);
  }
  return { raw: { ...raw, ...pairs(new URLSearchParams(body.toString())) }, files };
}

/** A parameter that comes twice becomes a list, as in Perl. */
function pairs(search: URLSearchParams): Raw {
  const names = [...new Set(search.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = search.getAll(name);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

const line = { '8.4': 917, '9.1': 934 } as const;

function parsedJson(body: Buffer, version: State['version']): Raw {
  const text = body.toString();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Raw;
  } catch {
    // The place is the end of what could be read; only broken ends are told apart here.
  }
  const what = `malformed JSON string, neither tag, array, object, number, string or atom, at character offset ${text.length} (before "(end of string)") at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line ${line[version]}.`;
  throw bare(500, what);
}

function multipart(raw: Raw, body: Buffer, header: string): Taken {
  const [, boundary = ''] = /boundary=([^;]+)/.exec(header) ?? [];
  const files = new Map<string, string>();
  const fields: Record<string, string> = {};
  for (const part of body.toString('latin1').split(`--${boundary}`)) {
    const [, name] = /name="([^"]*)"/.exec(part) ?? [];
    const [, file] = /filename="([^"]*)"/.exec(part) ?? [];
    const content = part.split('\r\n\r\n').slice(1).join('\r\n\r\n').replace(/\r\n$/, '');
    if (name === undefined) continue;
    fields[name] = file ?? content;
    if (file !== undefined) files.set(name, content);
  }
  return { raw: { ...raw, ...fields }, files };
}
