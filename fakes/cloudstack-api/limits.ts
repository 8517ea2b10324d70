import { hasCome } from './genuine/index.ts';
import type { FakeRelease } from './parameters.ts';
import type { Texts } from './state.ts';

/** Where CloudStack keeps details. */
export type Place = 'extension' | 'registration' | 'host' | 'template' | 'action';

/** The most characters that the database takes there; longer values are cut without a word. */
export function lengthAt(place: Place, release: FakeRelease): number {
  if (place === 'host') return 255;
  if (place === 'template') return 1024;
  if (place === 'action') return 65_535;
  return hasCome('4.23', release) ? 4096 : 255;
}

/** The details as the database keeps them. */
export function kept(place: Place, release: FakeRelease, details: Texts): Texts {
  const most = lengthAt(place, release);
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [key, value.slice(0, most)]),
  );
}

/** Details of a registration that 4.23 hides for good. */
export function isHidden(key: string, release: FakeRelease): boolean {
  return hasCome('4.23', release) && ['password', 'sshkey'].includes(key.toLowerCase());
}
