import type { GuestFacts, GuestRecord, GuestStore } from '../../../contract/guest-store.ts';
import type { Script, Session } from '../machine/session.ts';
import { openFiles } from './files.ts';

/** A record as its file has it: bytes in base64, times as text. */
type Kept = Omit<GuestRecord, 'savedAt' | 'data'> & {
  readonly installation: string;
  readonly savedAt: string;
  readonly data?: Omit<GuestFacts, 'userData'> & { readonly userData?: string };
};

/** The data of guests, in a folder that no simulated machine can read. */
export function guestStore({ context, folder, store }: Session<Script>): GuestStore {
  const files = openFiles(`${folder}/guests`);
  const all = (): readonly GuestRecord[] =>
    files.names().flatMap((name) => {
      const kept = files.read(name) as Kept | undefined;
      return kept === undefined || kept.installation !== context.installation ? [] : [thaw(kept)];
    });
  return {
    async read(of) {
      if (of === 'all') return all();
      if ('nicUuid' in of) return all().filter(({ nicUuid }) => nicUuid === of.nicUuid);
      return all().filter(({ instanceUuid }) => instanceUuid === of.instanceUuid);
    },
    write: async (record) => files.write(record.nicUuid, freeze(record, context.installation)),
    remove: async (nicUuid) => files.remove(nicUuid),
    exclusive: (nicUuid, work) => store.locked(`guest-${nicUuid}`, 'another change', work),
  };
}

function freeze({ savedAt, data, ...rest }: GuestRecord, installation: string): Kept {
  const kept = { ...rest, installation, savedAt: savedAt.toISOString() };
  if (data === undefined) return kept;
  const { userData, ...facts } = data;
  const text = userData === undefined ? {} : { userData: userData.toString('base64') };
  return { ...kept, data: { ...facts, ...text } };
}

function thaw({ savedAt, data, installation: _, ...rest }: Kept): GuestRecord {
  const record = { ...rest, savedAt: new Date(savedAt) };
  if (data === undefined) return record;
  const { userData, ...facts } = data;
  const bytes = userData === undefined ? {} : { userData: Buffer.from(userData, 'base64') };
  return { ...record, data: { ...facts, ...bytes } };
}
