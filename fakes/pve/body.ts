import type { IncomingMessage } from 'node:http';
import type { Asked } from './address.ts';
import { bare } from './errors.ts';
import { maxBody, readBody } from './http.ts';
import type { State } from './state.ts';
import { readUpload } from './upload-form.ts';
import type { Raw } from './verify.ts';

export interface Taken {
  readonly raw: Raw;
  readonly files: ReadonlyMap<string, Buffer>;
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
  const files = new Map<string, Buffer>();
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
  const form = readUpload(body, header);
  const files = new Map(form.file === undefined ? [] : [['filename', form.file.content] as const]);
  return { raw: { ...raw, ...form.fields, filename: form.file?.name }, files };
}
