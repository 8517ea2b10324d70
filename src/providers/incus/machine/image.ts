import type { Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type Client, isGone, read } from '../api/client.ts';
import { aliasSchema, imageSchema } from '../api/wire.ts';

export interface Image {
  readonly fingerprint: string;
  /** Its instances are of this type: `container` or `virtual-machine`. */
  readonly type: string;
}

/** The image of this alias or whole fingerprint; nothing is downloaded. */
export async function findImage(
  client: Client,
  wanted: string,
  deadline: Deadline,
): Promise<Image> {
  const ask = { what: `find image ${wanted}`, deadline };
  const get = async (at: string) => (await client.send('GET', at, ask)).metadata;
  try {
    if (/^[0-9a-f]{64}$/.test(wanted)) {
      return read(imageSchema(), await get(path`/1.0/images/${wanted}`));
    }
    const { target, type } = read(
      aliasSchema(),
      await get(`/1.0/images/aliases/${encodeURIComponent(wanted)}`),
    );
    return { fingerprint: target, type };
  } catch (thrown) {
    if (!isGone(thrown)) throw thrown;
    throw new Failure('not-found', `Incus has no image ${wanted} in this project`, {
      advice: 'Images are named by alias or by the whole fingerprint: incus image list',
      tenant: 'The template of this instance does not exist',
    });
  }
}
