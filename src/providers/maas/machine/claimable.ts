import { matchesAny } from '../../../kit/fields.ts';
import type { Machine } from '../api/wire.ts';
import type { Rig } from './session.ts';

/** Whether the operator's pools and tags let instances have the machine. */
export function mayBeClaimed(
  { settings }: Pick<Rig, 'settings'>,
  { pool, tag_names: tags }: Machine,
): boolean {
  const { allowed_pools: pools, require_tags: must = [], exclude_tags: not = [] } = settings;
  if (pools !== undefined && !matchesAny(pool?.name ?? '', pools)) return false;
  return must.every((tag) => tags.includes(tag)) && !not.some((tag) => tags.includes(tag));
}
