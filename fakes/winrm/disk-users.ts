import { getVhd } from './cmdlets.ts';
import { fileAt, type HostState } from './state.ts';

/* The users of each disk, as Get-VMHardDiskDrive and Get-VHD show it to an account. */

interface Using {
  readonly path: string;
  readonly vm: string;
  readonly id: string;
  readonly diskNumber?: number;
}

/** The drives of all machines but one, and those of their checkpoints. */
export function allDrives({ machines }: HostState, besides = ''): readonly Using[] {
  return [...machines.values()]
    .filter(({ id }) => id !== besides.toLowerCase())
    .flatMap(({ id, name: vm, drives, checkpoints }) =>
      [...drives, ...checkpoints.flatMap((point) => point.drives)].map(({ path, diskNumber }) => ({
        path,
        vm,
        id,
        ...(diskNumber === undefined ? {} : { diskNumber }),
      })),
    );
}

/** Whether a folder that is there proves that the file is not: drive letters may be away for a while. */
export function isGone(state: HostState, path: string): boolean {
  return (
    fileAt(state, path) === undefined && !state.drivesAway.includes(path.slice(0, 2).toUpperCase())
  );
}

/** The answer of the step `users`, whose script follows the chains of all machines level by level. */
export function usersOf(
  state: HostState,
  { id, paths, all }: { id: string; paths: readonly string[]; all: boolean },
): object {
  const isOne = (path: string): boolean =>
    paths.some((each) => each.toLowerCase() === path.toLowerCase());
  let next = allDrives(state, id).filter(({ diskNumber }) => diskNumber === undefined);
  const used: Using[] = next.filter(({ path }) => isOne(path));
  const there = paths.filter((path) => !isGone(state, path));
  if (there.length === 0 && !all) next = [];
  const unread: (Using & { why: string })[] = [];
  const seen = new Set<string>();
  while (next.length > 0) {
    const level = next.filter(({ path }) => path !== '' && !seen.has(path.toLowerCase()));
    for (const { path } of level) seen.add(path.toLowerCase());
    next = level.flatMap((each) => {
      const { path } = each;
      const file = fileAt(state, path);
      if (file === undefined || file.denied === true) {
        const why = file === undefined ? 'ObjectNotFound' : 'PermissionDenied';
        if (!isGone(state, path)) unread.push({ ...each, why });
        return [];
      }
      const parent = { ...each, path: file.parent };
      if (isOne(parent.path)) used.push(parent);
      return [parent];
    });
  }
  return { used, unread, there };
}

/** The files of a disk from the one that is connected to the first that is no checkpoint's. */
export function chainOf(state: HostState, disk: string): string[] {
  const files: string[] = [];
  let path = disk;
  while (/\.avhdx?$/i.test(path)) {
    files.push(path);
    path = getVhd(state, path).parent;
  }
  return path === '' ? files : [...files, path];
}
