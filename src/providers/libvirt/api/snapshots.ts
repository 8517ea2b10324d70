import type { Deadline } from '../../../contract/context.ts';
import { first, node, readTree, textIn, writeTree } from '../../../kit/xml/tree.ts';
import type { Ask, Client } from './client.ts';
import { type Domain, domainArg, readDomain, unless } from './domains.ts';
import { brokenXml } from './volumes.ts';
import { text, u32 } from './xdr.ts';

/** A snapshot that libvirt holds of a domain. */
export interface Saved {
  readonly name: string;
  readonly description: string;
  readonly created: Date;
  /** Made while the guest ran, and therefore with its memory. */
  readonly ran: boolean;
}

export async function listSaved(
  client: Client,
  domain: Domain,
  deadline: Deadline,
): Promise<readonly Saved[]> {
  const ask = { what: `list the snapshots of ${domain.name}`, deadline };
  const names = await client.call(
    'allSnapshots',
    [domainArg(domain), u32(1), u32(0)],
    ask,
    (from) =>
      from.list((each) => {
        const name = each.text();
        readDomain(each);
        return name;
      }),
  );
  const saved = await Promise.all(names.map((name) => readSaved(client, domain, name, deadline)));
  return saved
    .filter((each) => each !== undefined)
    .sort((one, other) => one.created.getTime() - other.created.getTime());
}

async function readSaved(
  client: Client,
  domain: Domain,
  name: string,
  deadline: Deadline,
): Promise<Saved | undefined> {
  const ask = { what: `read snapshot ${name} of ${domain.name}`, deadline };
  const xml = await unless(
    client.call('snapshotXml', [snapshotArg(domain, name), u32(0)], ask, (from) => from.text()),
    'noSnapshot',
  );
  if (xml === undefined) return undefined;
  const tree = readTree(xml, brokenXml);
  const part = (tag: string): string => textIn(first(tree, tag));
  const ran = ['running', 'paused'].includes(part('state'));
  const created = new Date(Number(part('creationTime')) * 1000);
  return { name, description: part('description'), created, ran };
}

export function snapshotArg(domain: Domain, name: string): Buffer {
  return Buffer.concat([text(name), domainArg(domain)]);
}

export function saveSnapshot(
  client: Client,
  domain: Domain,
  { name, description }: { readonly name: string; readonly description: string | undefined },
  ask: Ask,
): Promise<void> {
  const about = description === undefined ? undefined : node('description', {}, description);
  const xml = writeTree(node('domainsnapshot', {}, node('name', {}, name), about));
  return client.call('createSnapshot', [domainArg(domain), text(xml), u32(0)], ask, () => {});
}

/** Whether the guest's memory comes back halted, where the snapshot holds any. */
const halted = 2;

export function revertTo(
  client: Client,
  domain: Domain,
  { name, ran }: Pick<Saved, 'name' | 'ran'>,
  ask: Ask,
): Promise<void> {
  const args = [snapshotArg(domain, name), u32(ran ? halted : 0)];
  return client.call('revertSnapshot', args, ask, () => {});
}

/** Succeeds for one that is gone already. */
export async function deleteSaved(
  client: Client,
  domain: Domain,
  name: string,
  ask: Ask,
): Promise<void> {
  const args = [snapshotArg(domain, name), u32(0)];
  await unless(
    client.call('deleteSnapshot', args, ask, () => true),
    'noSnapshot',
  );
}
