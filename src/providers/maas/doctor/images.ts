import type { Check } from '../../../contract/provider.ts';
import { type Blueprint, seriesOf } from '../blueprint.ts';
import type { Session } from '../machine/session.ts';
import { type BootResource, readBootResources } from './wire.ts';

/** Whether MAAS has what instances ask for, as far as the details say what that is. */
export async function checkImages(
  { client, settings, deadline }: Session,
  { os, distro_series, architecture }: Partial<Blueprint>,
): Promise<readonly Check[]> {
  const reply = await client.get('/boot-resources/', { what: 'list images', deadline });
  const images = readBootResources(reply.json());
  const chosen = seriesOf({ os, distro_series });
  const allowed = (settings.allowed_series ?? []).filter((pattern) => !pattern.includes('*'));
  const absent = [
    ...allowed.filter((series) => !isThere(series, images)),
    ...(chosen === undefined || allowed.includes(chosen) || isThere(chosen, images)
      ? []
      : [chosen]),
  ];
  if (images.length === 0) return [lacking('no image is there')];
  if (absent.length > 0) return [lacking(`not there: ${absent.join(', ')}`)];
  const fit = images.filter((image) => isFor(image, architecture));
  if (chosen !== undefined && !isThere(chosen, fit)) {
    return [lacking(`${chosen} is not there for ${architecture}`)];
  }
  const names = [...new Set(images.map(({ name }) => name))].sort().join(', ');
  return [{ name: 'images', state: 'ok', found: names }];
}

function lacking(found: string): Check {
  const advice = 'Select and synchronise it on the images page of MAAS';
  return { name: 'images', state: 'fail', found, advice };
}

/** As MAAS looks for it; newer versions take release numbers, too, which no image goes by. */
function isThere(series: string, images: readonly BootResource[]): boolean {
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
function isFor({ architecture }: BootResource, wanted: string | undefined): boolean {
  return wanted === undefined || architecture.split('/')[0] === wanted.split('/')[0];
}
