import * as v from 'valibot';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { read, text } from '../api/schemas.ts';
import type { Machine } from '../api/wire.ts';
import { type Blueprint, seriesOf } from '../blueprint.ts';
import { nameOf, type Session } from './session.ts';

/** One image of MAAS: a series for one architecture, and for one kernel where the series has several. */
export interface Image {
  readonly name: string;
  /** As `amd64/hwe-22.04`, or `amd64/generic` for an image that brings its own kernel. */
  readonly architecture: string;
  /** The kernels that it serves besides, separated by commas. */
  readonly subarches: string;
}

export async function listImages({ client, deadline }: Session): Promise<readonly Image[]> {
  const reply = await client.get('/boot-resources/', { what: 'list images', deadline });
  const image = v.object({ name: text(), architecture: text(), subarches: text() });
  return read(v.array(image), reply.json(), 'boot resources');
}

/** As MAAS looks for it; newer versions take release numbers, too, which no image goes by. */
export function isThere(series: string, images: readonly Image[]): boolean {
  if (/^([\w-]+\/)?\d+\.\d+$/.test(series)) return images.length > 0;
  const [system, release] = series.includes('/') ? series.split('/') : [undefined, series];
  return images.some(({ name }) => {
    // MAAS lists an uploaded image under its bare name.
    const [os, its = ''] = name.includes('/') ? name.split('/') : ['custom', name];
    if (system !== undefined && system !== os) return false;
    return its === release || os === series || (os !== 'ubuntu' && its.startsWith(release ?? ''));
  });
}

/** The kernel behind the slash is another matter. */
export function isFor({ architecture }: Image, wanted: string | undefined): boolean {
  return wanted === undefined || architecture.split('/')[0] === wanted.split('/')[0];
}

/** Images of which MAAS names no kernel say nothing against one. */
function hasKernel(kernel: string, images: readonly Image[]): boolean {
  const kernels = images.flatMap(({ architecture, subarches }) => {
    const [, own = ''] = architecture.split('/');
    return /^(ga|hwe)-/.test(own) ? [own, ...subarches.split(',')] : [];
  });
  return kernels.length === 0 || kernels.includes(kernel);
}

/**
 * Fails where MAAS has no image for the system on the machine. MAAS itself says so only when it is to
 * install the system, and by then the machine has been released and its data is lost.
 */
export async function checkImage(
  session: Session,
  { name }: Instance,
  machine: Machine,
  system: Pick<Blueprint, 'os' | 'distro_series' | 'hwe_kernel'>,
): Promise<void> {
  const { architecture } = machine;
  const all = await listImages(session);
  const fit = all.filter((image) => isFor(image, architecture));
  const series = seriesOf(system);
  const { hwe_kernel: kernel } = system;
  const of = fit.filter((image) => series === undefined || isThere(series, [image]));
  const lacks =
    of.length === 0
      ? `no image of ${series ?? 'any system'} for ${architecture}`
      : kernel !== undefined && !hasKernel(kernel, of)
        ? `no kernel ${kernel} for ${series ?? 'its default system'}`
        : undefined;
  if (lacks === undefined) return;
  const names = [...new Set(fit.map((image) => image.name))].sort().join(', ');
  throw new Failure(
    'conflict',
    `Nothing was done to ${nameOf(machine)} of ${name}: MAAS has ${lacks}`,
    {
      advice:
        names === ''
          ? `Synchronise it on the images page of MAAS, which has no image for ${architecture}`
          : `Choose another one, or synchronise it on the images page of MAAS. For ${architecture} there are: ${names}`,
      tenant: 'The system that was asked for cannot be installed; nothing was changed',
    },
  );
}
