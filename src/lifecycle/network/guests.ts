import type { Context } from '../../contract/context.ts';
import type { GuestRecord, GuestStore } from '../../contract/guest-store.ts';
import { Failure } from '../../failure.ts';
import { mapLimit } from '../../kit/map-limit.ts';

/** The store of one call, and the parts of the process that it may use. */
export interface GuestLife {
  readonly guests: GuestStore;
  readonly context: Context;
  readonly now: Date;
}

type Change = (known: GuestRecord | undefined) => GuestRecord | undefined;

/**
 * Keeps the data of a start. A password that came alone while the instance was stopped is never sent
 * again: it stays until a start has handed it over.
 */
export function saveGuest(life: GuestLife, fresh: GuestRecord): Promise<void> {
  return change(life, fresh.nicUuid, (known) => withPassword(fresh, known?.password));
}

/** Keeps a new password beside everything that is known of the NIC already. */
export function savePassword(life: GuestLife, fresh: GuestRecord): Promise<void> {
  return change(life, fresh.nicUuid, (known) => ({ ...fresh, ...identityOf(known) }));
}

/** Takes other public keys over; CloudStack sends them again with the next start. */
export function saveKeys(life: GuestLife, nicUuid: string, keys: readonly string[]): Promise<void> {
  return change(life, nicUuid, (known) =>
    known?.data === undefined ? undefined : { ...known, data: { ...known.data, publicKeys: keys } },
  );
}

function withPassword(record: GuestRecord, kept: string | undefined): GuestRecord {
  const password = record.password ?? kept;
  return password === undefined ? record : { ...record, password };
}

function identityOf(known: GuestRecord | undefined): Partial<GuestRecord> {
  if (known === undefined) return {};
  const { instanceUuid, data } = known;
  return {
    ...(instanceUuid === undefined ? {} : { instanceUuid }),
    ...(data === undefined ? {} : { data }),
  };
}

/** A failing start is repeated eleven times within seconds: what is kept already is not written again. */
const freshMs = 10 * 60_000;

async function change({ guests, context, now }: GuestLife, nicUuid: string, to: Change) {
  const { deadline } = context;
  const work = async (): Promise<void> => {
    const [known] = await guests.read({ nicUuid }, deadline);
    const next = to(known);
    if (next === undefined || (known !== undefined && isKept(known, next, now))) return;
    await guests.write(next, deadline);
  };
  await (guests.exclusive === undefined ? work() : guests.exclusive(nicUuid, work, deadline));
}

function isKept(known: GuestRecord, next: GuestRecord, now: Date): boolean {
  const isFresh = Math.abs(now.getTime() - known.savedAt.getTime()) < freshMs;
  return isFresh && textOf(known) === textOf(next);
}

function textOf({ savedAt: _, ...record }: GuestRecord): string {
  return JSON.stringify(record, (_key, value: unknown) =>
    Object.prototype.toString.call(value) === '[object Object]'
      ? Object.fromEntries(Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/**
 * Keeps what a restart of the network repeats for its instances. Never fails: its failure would put the
 * whole zone out of use, and each start sends the data of its instance once more.
 */
export async function restoreGuests(life: GuestLife, records: readonly GuestRecord[]) {
  const { log } = life.context;
  const failures: string[] = [];
  await mapLimit(records, 4, (record) =>
    saveGuest(life, record).catch((thrown: unknown) => {
      failures.push(Failure.from(thrown).message);
    }),
  );
  const [first] = failures;
  if (first === undefined) return;
  log('guests.not-restored', { level: 'warn', records: failures.length, error: first });
}

/** After this time a record whose instance was never deleted is of no use: a start sends it again. */
export const oldDays = 30;

/**
 * Removes the records of a network that is destroyed, and those that are too old. Never fails, for the
 * network could not be deleted otherwise; `audit` shows what is left.
 */
export async function forgetNetwork(life: GuestLife, networkId: string): Promise<void> {
  await quietly(life, async (all) =>
    all.filter((record) => record.networkId === networkId || isOld(record, life.now)),
  );
}

export function isOld({ savedAt }: GuestRecord, now: Date): boolean {
  return now.getTime() - savedAt.getTime() > oldDays * 24 * 3_600_000;
}

async function quietly(
  { guests, context }: GuestLife,
  choose: (all: readonly GuestRecord[]) => Promise<readonly GuestRecord[]>,
): Promise<void> {
  const { deadline, log } = context;
  try {
    const chosen = await choose(await guests.read('all', deadline));
    await mapLimit(chosen, 4, ({ nicUuid }) => guests.remove(nicUuid, deadline));
    if (chosen.length > 0) log('guests.removed', { records: chosen.length });
  } catch (thrown) {
    log('guests.not-removed', { level: 'warn', error: Failure.from(thrown).message });
  }
}
