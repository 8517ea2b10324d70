import type { GuestData, GuestNic } from '../contract/guest.ts';
import { Failure } from '../failure.ts';
import { instanceIdFor } from '../guest/instance-id.ts';

/*
 * The data for a guest as both halves of CloudStack send them: the Orchestrator's payload as `vmData`
 * with user data in base64, the network half's as `vm_data` with user data as a text.
 */

/** One entry of the list, in CloudStack's words. */
export interface VmDatum {
  readonly dir: string;
  readonly file: string;
  readonly content: string;
}

export interface VmData {
  /** `undefined` where CloudStack did not say for which instance. */
  readonly instanceUuid: string | undefined;
  readonly hostname: string;
  readonly publicKeys: readonly string[];
  readonly userData?: Buffer;
  readonly password?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly system?: 'windows';
}

/** More than CloudStack takes: its own limit is 1 MiB of base64. */
const mostUserData = 1024 * 1024;
const mostEntries = 1000;

/**
 * CloudStack writes these before the keys that a tenant has added, and all others after them. A tenant
 * may use any name, so that a name may come twice.
 */
const beforeTenants = new Set([
  'service-offering',
  'availability-zone',
  'local-hostname',
  'local-ipv4',
]);

/** Of two values under one name the one that CloudStack itself wrote: see `beforeTenants`. */
export function readMetadata(entries: readonly VmDatum[]): Readonly<Record<string, string>> {
  const found = new Map<string, string>();
  for (const { dir, file, content } of entries) {
    if (dir !== 'metadata' || (beforeTenants.has(file) && found.has(file))) continue;
    found.set(file, content);
  }
  return Object.fromEntries(found);
}

/** Fails with `usage` for user data that cannot have arrived whole. */
export function readVmData(entries: readonly VmDatum[], form: 'base64' | 'text'): VmData {
  if (entries.length > mostEntries) {
    throw new Failure('usage', `The data for the guest have ${entries.length} entries`);
  }
  const metadata = readMetadata(entries);
  const last = (dir: string, file: string): string | undefined =>
    entries.filter((entry) => entry.dir === dir && entry.file === file).pop()?.content;
  const given = last('userdata', 'user_data') ?? '';
  const password = last('password', 'vm_password') ?? '';
  const isWindows = last('password', 'vm-password-md5checksum') !== undefined;
  return {
    instanceUuid: uuidIn(metadata['vm-id'] ?? metadata['instance-id']),
    hostname: metadata['local-hostname'] ?? '',
    publicKeys: linesOf(metadata['public-keys'] ?? ''),
    ...(given === '' ? {} : { userData: bytesOf(given, form) }),
    ...(password === '' ? {} : { password }),
    metadata,
    ...(isWindows ? { system: 'windows' } : {}),
  };
}

/** The Orchestrator's list of lists; an entry of another shape is left out, null is ''. */
export function vmDataEntries(vmData: unknown): readonly VmDatum[] {
  if (!Array.isArray(vmData)) return [];
  return vmData.flatMap((entry: unknown): VmDatum[] => {
    if (!Array.isArray(entry)) return [];
    const [dir, file, content] = entry as unknown[];
    if (typeof dir !== 'string' || typeof file !== 'string') return [];
    return [{ dir, file, content: typeof content === 'string' ? content : '' }];
  });
}

export interface Guest {
  readonly uuid: string;
  /** The instance's own name, for a guest whose hostname is none. */
  readonly name: string;
  readonly nics: readonly GuestNic[];
  readonly moreNics?: boolean;
}

/** The data as every provider wants them; the operator's are added by `guest/sources.ts`. */
export function guestDataFrom(data: VmData, guest: Guest): GuestData {
  const { userData, password, publicKeys, metadata, system } = data;
  return {
    instanceId: instanceIdFor(guest.uuid, userData),
    hostname: hostnameFrom(data.hostname) ?? guest.name,
    ...{ publicKeys, metadata, nics: guest.nics },
    ...(guest.moreNics === undefined ? {} : { moreNics: guest.moreNics }),
    ...(userData === undefined ? {} : { userData }),
    ...(password === undefined ? {} : { password }),
    ...(system === undefined ? {} : { system }),
  };
}

function hostnameFrom(text: string): string | undefined {
  return /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text) ? text : undefined;
}

function uuidIn(text = ''): string | undefined {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text.toLowerCase() : undefined;
}

function linesOf(text: string): readonly string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function bytesOf(content: string, form: 'base64' | 'text'): Buffer {
  // CloudStack reads gzip as UTF-8 for a network extension, which leaves nothing to unpack.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the magic number as CloudStack spoils it
  if (form === 'text' && /^\u001f\ufffd\u0008/.test(content)) throw spoiled();
  const isBase64 = form === 'base64' && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content);
  const bytes = Buffer.from(content, isBase64 ? 'base64' : 'utf8');
  if (bytes.length <= mostUserData) return bytes;
  throw new Failure('usage', `The user data are ${bytes.length} bytes long`, {
    advice: `No more than ${mostUserData} bytes can be handed to a guest`,
    tenant: 'The user data of the instance are too long',
  });
}

function spoiled(): Failure {
  const sentence =
    'The user data are compressed with gzip, which CloudStack spoils on the way to a network extension';
  return new Failure('usage', sentence, {
    advice: 'Give CloudStack the user data uncompressed, or use ConfigDrive as the provider',
    tenant: sentence,
  });
}
