import { win32 } from 'node:path';
import * as v from 'valibot';

/*
 * Paths of the Hyper-V host. Only plain, absolute ones are taken: no wildcards, which some cmdlets
 * act on, no streams, no device names, no steps upwards.
 */

const root = /^([A-Za-z]:\\|\\\\[A-Za-z0-9][A-Za-z0-9._$-]*\\[A-Za-z0-9][A-Za-z0-9._$ -]*(\\|$))/;
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

function isPlainPath(path: string): boolean {
  const start = root.exec(path)?.[0];
  if (start === undefined || path.length > 250) return false;
  const rest = path.slice(start.length).replace(/\\$/, '');
  if (rest === '') return true;
  return rest.split('\\').every(isPlainName);
}

function isPlainName(name: string): boolean {
  if (name === '' || /[<>:"/|?*[\]`\p{Cc}]/u.test(name)) return false;
  return !/^\s|[. ]$/.test(name) && !device.test(name);
}

/** A folder, without a backslash at its end. */
export function folderPath(): v.GenericSchema<string, string> {
  return v.pipe(
    v.string(),
    v.trim(),
    v.check(isPlainPath, 'must be a plain folder such as D:\\Hyper-V\\Disks'),
    v.transform((path) => (/^[A-Za-z]:\\$/.test(path) ? path : path.replace(/\\$/, ''))),
  );
}

/** A file of one of these types; `limit` is the setting that says which ones may be chosen. */
export function mediaPath(
  types: readonly string[],
  limit: string,
): () => v.GenericSchema<string, string> {
  const names = types.map((type) => `.${type}`).join(' or ');
  const wants = `must be the plain path of a ${names} file such as D:\\Folder\\name.${types[0]}, and one of "${limit}"`;
  return () =>
    v.pipe(
      v.string(),
      v.trim(),
      v.check(
        (path) => isPlainPath(path) && !path.endsWith('\\') && types.includes(extension(path)),
        wants,
      ),
    );
}

export function join(folder: string, name: string): string {
  return win32.join(folder, name);
}

/** Whether the host takes both for one file. */
export function isSamePath(one: string, other: string): boolean {
  return pathKey(one) === pathKey(other);
}

/** Equal for paths that the host takes for one file. */
export function pathKey(path: string): string {
  return win32.normalize(path).toLowerCase();
}

export function isUnder(path: string, folder: string): boolean {
  const start = `${win32.normalize(folder).replace(/\\+$/, '')}\\`.toLowerCase();
  return win32.normalize(path).toLowerCase().startsWith(start);
}

/** In small letters, without its dot. */
export function extension(path: string): string {
  return win32.extname(path).slice(1).toLowerCase();
}

export function baseName(path: string): string {
  return win32.basename(path);
}
