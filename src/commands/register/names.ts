import { Failure } from '../../failure.ts';

/** The directory of an extension below CloudStack's extensions: its name, made harmless. */
export function directoryOf(name: string): string {
  return name.replace(/[^a-zA-Z0-9._-]/gu, '_').toLowerCase();
}

/** Throws `usage` for a name of an extension that CloudStack would refuse or stumble over. */
export function checkName(name: string): void {
  const refuse = (why: string): Failure =>
    new Failure('usage', `"${name}" cannot be the name of an extension: ${why}`);
  if (name.trim() === '' || name !== name.trim()) throw refuse('it is empty or has blanks around');
  if (name.length > 255) throw refuse('it is longer than 255 characters');
  if (/\p{Cc}/u.test(name)) throw refuse('it holds control characters');
  if (/^\.+$/.test(directoryOf(name))) throw refuse('its directory would be above its own');
}

/**
 * The path below CloudStack's extensions as CloudStack will keep it; throws `usage` for one that it
 * would refuse or that leads elsewhere.
 */
export function pathOf(name: string, given: string | undefined): string {
  const directory = directoryOf(name);
  const text = (given ?? 'outrigger').replace(/\\/g, '/').replace(/^\//, '');
  const path = text.startsWith(`${directory}/`) ? text : `${directory}/${text}`;
  const refuse = (why: string): Failure =>
    new Failure('usage', `"${given}" cannot be the path of the extension: ${why}`, {
      advice: `It looks like ${directory}/outrigger, as install.sh installs it`,
    });
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw refuse('it has empty parts or leads elsewhere');
  }
  if (parts.length > 3) throw refuse('CloudStack allows two directories above the file at most');
  if (/\.sh$/i.test(path)) {
    throw refuse('where a .sh file is missing, CloudStack puts a stub that answers yes to all');
  }
  return path;
}

/** Whether the absolute path that CloudStack reports is the wanted one. */
export function isAt(reported: string, path: string): boolean {
  return reported === path || reported.endsWith(`/${path}`);
}
