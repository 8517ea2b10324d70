import { badParameters, bare, die } from './errors.ts';

/** The parts of an upload as the daemon reads them. */
export interface UploadForm {
  readonly fields: Readonly<Record<string, string>>;
  /** The name that the client gave the file, and its bytes; absent where no file part came. */
  readonly file?: { readonly name: string; readonly content: Buffer };
}

/** The daemon waits for these in this order, and for the file behind them. */
const order = ['content', 'checksum-algorithm', 'checksum'];

/** Reads a body of multipart/form-data as strictly as the daemon does. */
export function readUpload(body: Buffer, header: string): UploadForm {
  const [, boundary = ''] = /boundary=([^;\s]+)/.exec(header) ?? [];
  if (boundary === '' || boundary.startsWith('"')) throw failed();
  const fields: Record<string, string> = {};
  let next = 0;
  for (const part of partsOf(body, boundary)) {
    const at = part.indexOf('\r\n\r\n');
    const head = part.subarray(0, at).toString('latin1');
    const content = part.subarray(at + 4);
    const file = /^Content-Disposition: form-data; name="([^"]+)"; filename="([^"]*)"/.exec(head);
    if (file !== null) {
      const [, name = '', given = ''] = file;
      if (name !== 'filename') {
        const what = `wrong field name '${name}' for file upload, expected 'filename'`;
        throw bare(500, `${what} at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1281.`);
      }
      if (given === '') throw failed();
      return { fields, file: { name: Buffer.from(given, 'latin1').toString(), content } };
    }
    const [, name] =
      /(?:^|\r\n)Content-Disposition: form-data; name="([^"]+)"(?:\r\n|$)/.exec(head) ?? [];
    if (name === undefined) throw failed();
    const place = order.indexOf(name);
    // An unknown field and one that comes too late are refused without a word.
    if (place < next) throw bare(400, 'Bad Request', '');
    next = place + 1;
    fields[name] = content.toString();
  }
  throw failed();
}

function failed(): Error {
  return bare(500, 'upload failed at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 1317.');
}

function partsOf(body: Buffer, boundary: string): Buffer[] {
  const parts: Buffer[] = [];
  const mark = Buffer.from(`--${boundary}`);
  let at = body.indexOf(mark);
  while (at >= 0) {
    const begin = at + mark.length + 2;
    const end = body.indexOf(Buffer.from(`\r\n--${boundary}`), begin);
    if (end < 0) return parts;
    parts.push(body.subarray(begin, end));
    at = end + 2;
  }
  return parts;
}

/** The name under which a file is stored: without its path, and every other character an underscore. */
export function storedName(given: string): string {
  const name = given.replace(/^.*[/\\]/s, '');
  return Array.from(name, (letter) => (/[A-Za-z0-9_.-]/.test(letter) ? letter : '_')).join('');
}

/** Fails for what the API refuses once the daemon has taken the file. */
export function checkUpload({ fields, file }: UploadForm, name: string): void {
  const kind = fields['content'];
  if (kind === undefined) {
    badParameters({ content: 'property is missing and it is not optional' });
  }
  if (!['iso', 'vztmpl', 'import'].includes(kind)) {
    badParameters({
      content: `value '${kind}' does not have a value in the enumeration 'iso, vztmpl, import'`,
    });
  }
  if ((file?.name.length ?? 0) > 255) {
    badParameters({ filename: 'value may only be 255 characters long' });
  }
  if (fields['checksum'] !== undefined && fields['checksum-algorithm'] === undefined) {
    badParameters({
      'checksum-algorithm': "missing property - 'checksum' requires this property",
    });
  }
  if (kind === 'iso' && !/\.(iso|img)$/i.test(name)) {
    badParameters({ filename: 'wrong file extension' });
  }
  if (name === '') die('no file name');
}
