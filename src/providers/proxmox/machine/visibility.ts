import { Failure } from '../../../failure.ts';
import { type Json, type Row, recordOf } from '../api/wire.ts';
import type { Session } from './session.ts';

/* The rights that a list needs to be whole: Proxmox VE leaves out the rest without a word. */

/**
 * Every machine that there may be of ours, with no state where its node is not online. Rights that are
 * lost meanwhile show in a proof after the list, not in one before. `byPool` also proves that the rows
 * tell the pool that a machine is in.
 */
export async function listAll(
  session: Session,
  { byPool = false }: { readonly byPool?: boolean } = {},
): Promise<readonly Row[]> {
  const { readClusterResources } = await import('./capacity.ts');
  const { machines } = await readClusterResources(session);
  await proveVisibility(session, byPool ? ['VM.Audit', 'Pool.Audit'] : undefined);
  return machines;
}

/** Fails unless the token's rights let it see every machine it may have made: a list never says so. */
export async function proveVisibility(
  session: Session,
  wanted: readonly ('VM.Audit' | 'Pool.Audit')[] = ['VM.Audit'],
): Promise<void> {
  const { pool } = session.settings;
  if (pool === undefined) {
    // A right on /vms that reaches no further down shows no machine.
    if ((await rightsAt(session, '/vms'))['VM.Audit'] === 1) return;
    throw blind(session, 'see all machines', 'VM.Audit on /vms and all that is below');
  }
  const place = `/pool/${pool}`;
  const rights = await rightsAt(session, place);
  const isHidden = wanted.includes('Pool.Audit') && rights['Pool.Audit'] === undefined;
  if (isHidden)
    throw blind(session, 'see which machines are in the pool', `Pool.Audit on ${place}`);
  // A pool hands down all rights on it; machines may be seen without it as well.
  if (rights['VM.Audit'] !== undefined) return;
  if ((await rightsAt(session, '/vms'))['VM.Audit'] === 1) return;
  throw blind(session, 'see all machines', `VM.Audit on ${place}`);
}

/** The rights of the token at a place, with 1 for those that reach further down. */
async function rightsAt({ api }: Session, place: string): Promise<Json> {
  const ask = { what: 'read the rights of the API token', query: { path: place } };
  return recordOf(recordOf(await api.get('/access/permissions', ask))[place]);
}

function blind({ api, settings: { pool } }: Session, task: string, right: string): Failure {
  const other = pool === undefined ? ', or set pool to the one that it has rights on' : '';
  return new Failure('denied', `The API token ${api.token()} does not ${task}`, {
    advice: `It needs ${right}${other} (\`outrigger doctor\` has the command). Until then no machine counts as off or gone`,
  });
}
