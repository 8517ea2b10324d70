import { unlinkSync } from 'node:fs';

/** Removes a payload file that CloudStack wrote: it may hold secrets, and stays for a day otherwise. */
export function removePayload(file: string, home: string | undefined): void {
  if (!isOwnPayloadFile(file, home)) return;
  try {
    unlinkSync(file);
  } catch {
    // CloudStack deletes what is left after a day.
  }
}

const uuidJson = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json$/i;
const homes = ['/var/lib/cloudstack/management', '/var/cloudstack/management'];

/** Whether CloudStack itself wrote the file: `<its home>/extensions/<name>/<uuid>.json`. */
export function isOwnPayloadFile(file: string, home: string | undefined): boolean {
  return [...homes, ...(home === undefined ? [] : [home.replace(/\/+$/, '')])].some((place) => {
    const start = `${place}/extensions/`;
    if (!file.startsWith(start)) return false;
    const [extension = '', name = '', ...rest] = file.slice(start.length).split('/');
    return rest.length === 0 && !/^\.{0,2}$/.test(extension) && uuidJson.test(name);
  });
}
