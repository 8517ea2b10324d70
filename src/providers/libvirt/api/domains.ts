import type { Deadline } from '../../../contract/context.ts';
import type { Ask, Client } from './client.ts';
import { type codes, hasCode } from './errors.ts';
import type { Changing } from './procedures.ts';
import { fixed, optional, type Reader, text, u32, u64 } from './xdr.ts';

/** A domain as libvirt names it in its answers; the id is -1 for one that is off. */
export interface Domain {
  readonly name: string;
  /** In small letters, with dashes. */
  readonly uuid: string;
  readonly id: number;
}

const nothing = (): void => {};

export function readDomain(from: Reader): Domain {
  const name = from.text();
  const hex = from.fixed(16).toString('hex');
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { name, uuid, id: from.i32() };
}

export function domainArg({ name, uuid, id }: Domain): Buffer {
  return Buffer.concat([text(name), uuidArg(uuid), u32(id)]);
}

export function uuidArg(uuid: string): Buffer {
  return fixed(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
}

/** All domains, or those that the flags choose. */
export function listDomains(client: Client, flags: number, ask: Ask): Promise<readonly Domain[]> {
  return client.call('allDomains', [u32(1), u32(flags)], ask, (from) => from.list(readDomain));
}

/** The domains of which memory is saved to disk. */
export const withManagedSave = 256;

export interface Power {
  readonly state: number;
  readonly reason: number;
}

const onlyStates = 1;
/** Whether a domain's own process answers is nothing that a report waits for. */
const withoutWaiting = 2 ** 29;

/** The states of all domains by UUID, in one call. */
export function allPowers(client: Client, ask: Ask): Promise<ReadonlyMap<string, Power>> {
  const args = [u32(0), u32(onlyStates), u32(withoutWaiting)];
  return client.call('allStats', args, ask, (from) => {
    const records = from.list((each) => {
      const { uuid } = readDomain(each);
      const values = new Map(each.list(readParameter));
      const power = {
        state: values.get('state.state') ?? 0,
        reason: values.get('state.reason') ?? 0,
      };
      return [uuid, power] as const;
    });
    return new Map(records);
  });
}

/** A value with its name; the kinds of numbers are told by what stands before them. */
function readParameter(from: Reader): readonly [string, number] {
  const name = from.text();
  const kind = from.u32();
  if (kind === 7) {
    from.text();
    return [name, 0];
  }
  const wide = kind === 3 || kind === 4 || kind === 5;
  return [name, wide ? from.u64() : from.i32()];
}

export function powerOf(client: Client, domain: Domain, deadline: Deadline): Promise<Power> {
  const ask = { what: `read the state of ${domain.name}`, deadline };
  return client.call('domainState', [domainArg(domain), u32(0)], ask, (from) => ({
    state: from.i32(),
    reason: from.i32(),
  }));
}

/** The domain with this UUID; `undefined` where there is none. */
export async function findDomain(
  client: Client,
  uuid: string,
  deadline: Deadline,
): Promise<Domain | undefined> {
  const ask = { what: `find domain ${uuid}`, deadline };
  return unless(client.call('domainByUuid', [uuidArg(uuid)], ask, readDomain), 'noDomain');
}

/** The promise's own result; `undefined` for the errors named, which say that something is not there. */
export async function unless<T>(
  promise: Promise<T>,
  ...missing: readonly (keyof typeof codes)[]
): Promise<T | undefined> {
  try {
    return await promise;
  } catch (thrown) {
    if (hasCode(thrown, ...missing)) return undefined;
    throw thrown;
  }
}

/** With secrets, since a description that is defined again without its passwords has none. */
export const descriptions = { now: 1, whenOff: 1 + 2 } as const;

export function describeDomain(
  client: Client,
  domain: Domain,
  which: keyof typeof descriptions,
  deadline: Deadline,
): Promise<string> {
  const ask = { what: `read the description of ${domain.name}`, deadline };
  const args = [domainArg(domain), u32(descriptions[which])];
  return client.call('domainXml', args, ask, (from) => from.text());
}

const validated = 1;

/** Makes the domain, or gives it another description; a name or a UUID that is taken is a conflict. */
export function defineDomain(client: Client, xml: string, ask: Ask): Promise<Domain> {
  return client.call('define', [text(xml), u32(validated)], ask, readDomain);
}

export function renameDomain(
  client: Client,
  domain: Domain,
  name: string,
  deadline: Deadline,
): Promise<void> {
  const ask = { what: `rename ${domain.name} to ${name}`, deadline };
  return client.call('rename', [domainArg(domain), optional(name), u32(0)], ask, nothing);
}

/** Calls that take the domain, and flags where `flags` are given. */
type Order = Extract<
  Changing,
  'start' | 'destroy' | 'shutdown' | 'reset' | 'suspend' | 'resume' | 'wakeUp' | 'undefine'
>;

const withFlags: readonly Order[] = [
  ...(['start', 'destroy', 'shutdown', 'reset', 'wakeUp', 'undefine'] as const),
];

const verbs: Readonly<Record<Order, string>> = {
  ...{ start: 'start', destroy: 'switch off', shutdown: 'shut down', reset: 'reset' },
  ...{ suspend: 'suspend', resume: 'resume', wakeUp: 'wake', undefine: 'remove' },
};

export function order(
  client: Client,
  domain: Domain,
  what: Order,
  deadline: Deadline,
  flags = 0,
): Promise<void> {
  const ask = { what: `${verbs[what]} ${domain.name}`, deadline };
  const more = withFlags.includes(what) ? [u32(flags)] : [];
  return client.call(what, [domainArg(domain), ...more], ask, nothing);
}

const element = 2;
export const affects = { live: 1, config: 2 } as const;

/** The element that stands in the domain's metadata under a namespace; `undefined` without one. */
export function readMetadata(
  client: Client,
  domain: Domain,
  uri: string,
  deadline: Deadline,
): Promise<string | undefined> {
  const ask = { what: `read the metadata of ${domain.name}`, deadline };
  const args = [domainArg(domain), u32(element), optional(uri), u32(0)];
  return unless(
    client.call('getMetadata', args, ask, (from) => from.text()),
    'noMetadata',
  );
}

/** Writes the element, or takes it off, where the flags say. */
export function writeMetadata(
  client: Client,
  domain: Domain,
  {
    uri,
    xml,
    flags,
  }: { readonly uri: string; readonly xml: string | undefined; readonly flags: number },
  deadline: Deadline,
): Promise<void> {
  const ask = { what: `write the metadata of ${domain.name}`, deadline };
  const prefix = xml === undefined ? undefined : prefixOf(uri);
  const given = [optional(xml), optional(prefix), optional(uri)];
  const args = [domainArg(domain), u32(element), ...given, u32(flags)];
  return client.call('setMetadata', args, ask, nothing);
}

/** The prefix that our namespaces get, such as `outrigger-mark`; no two of them share one. */
export function prefixOf(uri: string): string {
  return uri.split(':').slice(1, 3).join('-');
}

/** Plugs a device in, takes it out, or gives it another medium or password, where the flags say. */
export function changeDevice(
  client: Client,
  domain: Domain,
  how: Extract<Changing, 'attachDevice' | 'detachDevice' | 'updateDevice'>,
  xml: string,
  ask: Ask & { readonly flags: number },
): Promise<void> {
  return client.call(how, [domainArg(domain), text(xml), u32(ask.flags)], ask, nothing);
}

/** Tells a running guest's disk its new size. */
export function resizeBlock(
  client: Client,
  domain: Domain,
  { disk, bytes }: { readonly disk: string; readonly bytes: number },
  deadline: Deadline,
): Promise<void> {
  const ask = { what: `resize the disk of ${domain.name}`, deadline };
  const inBytes = 1;
  const args = [domainArg(domain), text(disk), u64(bytes), u32(inBytes)];
  return client.call('resizeBlock', args, ask, nothing);
}

/** Whether the domain's memory is saved to disk. */
export function hasManagedSave(
  client: Client,
  domain: Domain,
  deadline: Deadline,
): Promise<boolean> {
  const ask = { what: `ask for the saved memory of ${domain.name}`, deadline };
  return client.call('managedSave', [domainArg(domain), u32(0)], ask, (from) => from.i32() === 1);
}
