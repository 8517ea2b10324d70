import { createHash } from 'node:crypto';
import { isGzip } from './user-data.ts';

const cloudConfig = /^#cloud-config\s*(\n|$)/;
const mime = /^(Content-Type:|MIME-Version:)/i;

/** One part of a message for cloud-init; without a type it is what its beginning says. */
export interface Part {
  readonly content: Buffer;
  readonly type?: string;
}

/** Several parts as one; the same parts make the same message. */
export function multipart(parts: readonly Part[]): string {
  const hash = createHash('sha256');
  for (const { content } of parts) hash.update(content);
  const boundary = `=outrigger=${hash.digest('hex').slice(0, 24)}=`;
  const body = parts.map((part) => `--${boundary}\n${entity(part)}\n`);
  const head = `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n`;
  return `${head}\n${body.join('')}--${boundary}--\n`;
}

/** One part with its headers; a part that has headers of its own keeps them. */
function entity({ content, type }: Part): string {
  const text = content.toString('utf8');
  if (type === undefined && mime.test(text)) return text;
  return [
    `Content-Type: ${type ?? typeOf(content, text)}`,
    'MIME-Version: 1.0',
    'Content-Transfer-Encoding: base64',
    '',
    (content.toString('base64').match(/.{1,76}/g) ?? []).join('\n'),
  ].join('\n');
}

/** `text/plain` makes cloud-init look for itself what the part is. */
function typeOf(part: Buffer, text: string): string {
  if (isGzip(part)) return 'application/gzip';
  return cloudConfig.test(text) ? 'text/cloud-config' : 'text/plain';
}
