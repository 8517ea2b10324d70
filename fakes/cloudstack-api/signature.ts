import { createHmac, timingSafeEqual } from 'node:crypto';

/** A form as it came over the wire, in pairs. */
export function readForm(body: string): ReadonlyMap<string, string> {
  const form = new Map<string, string>();
  for (const pair of body === '' ? [] : body.split('&')) {
    const at = pair.indexOf('=');
    if (at < 0) throw new Error(`"${pair}" is no pair`);
    const name = fromPercent(pair.slice(0, at));
    if (form.has(name)) throw new Error(`${name} comes twice`);
    form.set(name, fromPercent(pair.slice(at + 1)));
  }
  return form;
}

/** Whether the signature is the one that CloudStack would compute, byte by byte. */
export function isSigned(form: ReadonlyMap<string, string>, secret: string): boolean {
  const names = [...form.keys()].filter((name) => name.toLowerCase() !== 'signature');
  // Java compares UTF-16 code units, as `<` does.
  names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  let text = '';
  for (const name of names) {
    if (text !== '') text += '&';
    text += `${name}=${toJavaForm(form.get(name) ?? '')}`;
  }
  const wanted = createHmac('sha1', Buffer.from(secret)).update(Buffer.from(text.toLowerCase()));
  const given = Buffer.from(form.get('signature') ?? '', 'base64');
  const computed = wanted.digest();
  return given.length === computed.length && timingSafeEqual(given, computed);
}

/** A text as java.net.URLEncoder encodes it, with blanks as %20. */
function toJavaForm(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const letter = String.fromCharCode(byte);
    const plain =
      byte < 0x80 && 'abcdefghijklmnopqrstuvwxyz0123456789.-*_'.includes(letter.toLowerCase());
    out += plain ? letter : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

function fromPercent(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (letter === '%') {
      bytes.push(Number.parseInt(text.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(letter === '+' ? 0x20 : letter.charCodeAt(0));
  }
  return Buffer.from(bytes).toString('utf8');
}
