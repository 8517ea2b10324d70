import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Failure } from '../../../failure.ts';
import { parseJson } from '../../../kit/json.ts';
import { systemCode } from '../../../kit/system-error.ts';
import type { Session } from './session.ts';

/*
 * A machine that has neither the pool nor an id nor a name of ours is told in a list by its index tag
 * alone. Reports run every minute and see the tag: they keep its id in a file, so that the machine is
 * looked at and not left out, which would mean gone, when somebody takes the tag away.
 */

/** The ids that were told by their tags alone in an earlier report; none where nothing was kept. */
export function readTagged(session: Session): ReadonlySet<number> {
  const ids = parseJson(readText(session));
  return new Set(Array.isArray(ids) ? ids.filter((id) => Number.isInteger(id)) : []);
}

/** Keeps the ids for the next report, if they are others than before. */
export function keepTagged(
  session: Session,
  before: ReadonlySet<number>,
  now: readonly number[],
): void {
  if (before.size === now.length && now.every((id) => before.has(id))) return;
  try {
    if (now.length === 0) rmSync(fileOf(session), { force: true });
    else writeFileSync(fileOf(session), JSON.stringify(now), { mode: 0o600 });
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    session.context.log('tagged.unkept', { machines: now, level: 'warn' });
  }
}

function readText(session: Session): string {
  try {
    return readFileSync(fileOf(session), 'utf8');
  } catch (thrown) {
    if (!(thrown instanceof Failure)) systemCode(thrown);
    return '';
  }
}

/** A file for each cluster, as far as its address tells. */
function fileOf({ settings, context }: Session): string {
  const name = settings.url.replace(/[^A-Za-z0-9.-]+/g, '_').slice(0, 100);
  return `${context.stateDirectory('proxmox')}/tagged-${name}`;
}
