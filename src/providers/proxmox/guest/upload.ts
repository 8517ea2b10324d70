import { randomBytes } from 'node:crypto';
import { path } from '../../../kit/http/address.ts';
import { isUncertain } from '../api/find-task.ts';
import { run } from '../api/tasks.ts';
import type { TaskSession } from '../machine/session.ts';

export interface ImagePlace {
  readonly node: string;
  readonly storage: string;
}

/**
 * Puts an image onto a storage of a node; one of that name is overwritten. The request may be sent
 * twice, since its task cannot be found by anything of ours when its answer gets lost.
 */
export async function uploadImage(
  session: TaskSession,
  { node, storage }: ImagePlace,
  name: string,
  content: Buffer,
): Promise<void> {
  const attempt = (): Promise<void> =>
    run(session, {
      path: path`/nodes/${node}/storage/${storage}/upload`,
      body: formOf(name, content),
      what: `put ${name} onto storage ${storage}`,
      doing: `putting ${name} onto storage ${storage}`,
      takesMs: 150,
    });
  try {
    await attempt();
  } catch (thrown) {
    if (!isUncertain(thrown)) throw thrown;
    session.context.log('seed.again', { name, storage });
    await attempt();
  }
}

/** The daemon takes the parts in this order and in this spelling only; without quotes on the boundary. */
function formOf(
  name: string,
  content: Buffer,
): { readonly type: string; readonly content: Buffer } {
  const boundary = `outrigger-${randomBytes(18).toString('hex')}`;
  const field = 'Content-Disposition: form-data; name=';
  const head = [
    `--${boundary}`,
    `${field}"content"`,
    '',
    'iso',
    `--${boundary}`,
    `${field}"filename"; filename="${name}"`,
    'Content-Type: application/octet-stream',
    '',
    '',
  ].join('\r\n');
  const parts = [Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)];
  return { type: `multipart/form-data; boundary=${boundary}`, content: Buffer.concat(parts) };
}
