import type { Check } from '../../../contract/provider.ts';
import { type Blueprint, seriesOf } from '../blueprint.ts';
import { isFor, isThere, listImages } from '../machine/images.ts';
import type { Session } from '../machine/session.ts';

/** Whether MAAS has what instances ask for, as far as the details say what that is. */
export async function checkImages(
  session: Session,
  { os, distro_series, architecture }: Partial<Blueprint>,
): Promise<readonly Check[]> {
  const images = await listImages(session);
  const { settings } = session;
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
