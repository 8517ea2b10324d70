import type { Instance } from '../../../contract/instance.ts';

/** The beginnings by which cloud-init and its kin tell their kinds of user data. */
const beginnings = /^(#|Content-Type:|MIME-Version:|rem cmd|<)/i;
const cloudConfig = /^#cloud-config\s*(\n|$)/;
const mime = /^(Content-Type:|MIME-Version:)/i;
/** For Windows, whose cloudbase-init would not find it inside several parts. */
const windows = /^(#ps1|rem cmd|<)/i;

/** Whether it is user data, as it stands or in base64. */
export function isUserData(text: string): boolean {
  return beginnings.test(text.trimStart()) || decoded(text) !== undefined;
}

/**
 * The base64 that MAAS wants: the instance's own user data and its SSH keys in one; `undefined`
 * when it has neither.
 */
export function userDataFor(
  { sshPublicKey }: Pick<Instance, 'sshPublicKey'>,
  given: string | undefined,
): string | undefined {
  const own = given === undefined ? undefined : bytesOf(given);
  const keys = keysIn(sshPublicKey ?? '');
  if (own === undefined) return keys.length === 0 ? undefined : base64(keyConfig(keys));
  if (keys.length === 0 || windows.test(own.toString('utf8'))) return own.toString('base64');
  return base64(multipart([own, Buffer.from(keyConfig(keys))]));
}

function bytesOf(text: string): Buffer {
  return decoded(text) ?? Buffer.from(text.trimStart(), 'utf8');
}

/** The bytes behind base64, or `undefined` for a text that is none or hides no user data. */
function decoded(text: string): Buffer | undefined {
  const packed = text.replace(/\s+/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) {
    return undefined;
  }
  const bytes = Buffer.from(packed, 'base64');
  return isGzip(bytes) || beginnings.test(bytes.toString('utf8')) ? bytes : undefined;
}

function keysIn(text: string): readonly string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** JSON is YAML too and keeps every character of a key's comment inside its quotes. */
function keyConfig(keys: readonly string[]): string {
  return [
    '#cloud-config',
    // Without it the list would take the place of the one in the user's own part.
    'merge_how: [{"name":"list","settings":["append"]},{"name":"dict","settings":["no_replace","recurse_list"]}]',
    `ssh_authorized_keys: ${JSON.stringify(keys)}`,
    '',
  ].join('\n');
}

function multipart(parts: readonly Buffer[]): string {
  const boundary = `=outrigger=${Math.random().toString(36).slice(2).padEnd(11, '0')}=`;
  const body = parts.map((part) => `--${boundary}\n${entity(part)}\n`);
  const head = `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n`;
  return `${head}\n${body.join('')}--${boundary}--\n`;
}

/** One part with its headers; what has headers of its own keeps them. */
function entity(part: Buffer): string {
  const text = part.toString('utf8');
  if (mime.test(text)) return text;
  return [
    `Content-Type: ${typeOf(part, text)}`,
    'MIME-Version: 1.0',
    'Content-Transfer-Encoding: base64',
    '',
    (part.toString('base64').match(/.{1,76}/g) ?? []).join('\n'),
  ].join('\n');
}

/** `text/plain` makes cloud-init look for itself what the part is. */
function typeOf(part: Buffer, text: string): string {
  if (isGzip(part)) return 'application/gzip';
  return cloudConfig.test(text) ? 'text/cloud-config' : 'text/plain';
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
