import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import type { Deadline } from '../../../src/contract/context.ts';
import { deadlineIn } from '../../../src/kit/deadline.ts';
import {
  below,
  first,
  node,
  readTree,
  textIn,
  writeTree,
  type XmlNode,
} from '../../../src/kit/xml/tree.ts';
import { type Client, createClient } from '../../../src/providers/libvirt/api/client.ts';
import {
  type Domain,
  defineDomain,
  describeDomain,
  listDomains,
  order,
  powerOf,
} from '../../../src/providers/libvirt/api/domains.ts';
import { settings } from '../../../src/providers/libvirt/settings.ts';
import type { DataDisk, RemoteMachine } from '../../conformance/backend.ts';
import type { Identity } from './certificates.ts';
import type { Daemon } from './daemon.ts';
import { contentAt } from './images.ts';
import { contentOf, sizeOf } from './qcow2.ts';

const broken = (why: string) => new Error(why);

/** A client with all rights, past the proxy. */
export function adminClient(port: number, { ca, cert, key }: Identity): Client {
  const details = {
    ...{ url: `qemu+tls://127.0.0.1:${port}/system`, ca_file: ca, client_cert_file: cert },
    ...{ client_key: key, template_pool: 'templates' },
  };
  const values = Object.entries(settings).map(([name, field]) => {
    const text =
      details[name as keyof typeof details] ?? ('default' in field ? field.default : undefined);
    return [name, text === undefined ? undefined : v.parse(field.schema(), text)];
  });
  return createClient(Object.fromEntries(values) as Parameters<typeof createClient>[0], {
    deadline: deadline(),
    log: () => {},
    installation: '',
    stateDirectory: () => '',
  });
}

export function deadline(): Deadline {
  return deadlineIn(120);
}

/** A domain with its descriptions and everything that the suite wants to know of it. */
export interface Looked extends RemoteMachine {
  readonly domain: Domain;
  readonly live: XmlNode;
}

const powers: Readonly<Record<number, RemoteMachine['power']>> = {
  ...{ 1: 'on', 2: 'on', 3: 'paused', 4: 'on', 5: 'off', 7: 'suspended' },
};

export async function lookAtAll(client: Client, { pools }: Daemon): Promise<readonly Looked[]> {
  const all = await listDomains(client, 0, { what: 'list', deadline: deadline() });
  const looked = await Promise.all(all.map((domain) => lookAt(client, domain, pools.default)));
  return looked.sort((one, other) => (one.remoteId < other.remoteId ? -1 : 1));
}

async function lookAt(client: Client, domain: Domain, pool: string): Promise<Looked> {
  const [{ state }, live, lasting] = await Promise.all([
    powerOf(client, domain, deadline()),
    describeDomain(client, domain, 'now', deadline()),
    describeDomain(client, domain, 'whenOff', deadline()),
  ]);
  const tree = readTree(live, broken);
  const power = powers[state] ?? 'other';
  const disk = diskOf(tree, pool);
  const dataDisks = dataDisksOf(domain.uuid, tree, pool);
  return {
    ...{ domain, live: tree, remoteId: domain.uuid, name: domain.name, power, disk, dataDisks },
    mark: markIn(tree),
    cpus: Number(textIn(first(tree, 'vcpu'))),
    memoryMb: Number(textIn(first(tree, 'memory'))) / 1024,
    nics: below(first(tree, 'devices'), 'interface').map((nic) => ({
      mac: first(nic, 'mac')?.attributes['address'] ?? '',
      vlan: vlanOf(first(nic, 'source')?.attributes['bridge']),
    })),
    all: JSON.stringify([domain.name, power, lasting, markIn(tree), disk, dataDisks]),
  };
}

function markIn(domain: XmlNode): string {
  return textIn(first(domain, 'metadata', 'outrigger-mark:mark'));
}

/** The suite's bridges are called by their VLANs, and the one without a tag by 0. */
function vlanOf(bridge: string | undefined): number | 'untagged' {
  const vlan = Number(bridge?.split('v').pop() ?? 0);
  return vlan === 0 ? 'untagged' : vlan;
}

/** The file of the guest's disk and a few bytes of what it holds, as far as they are not the template's. */
function diskOf(domain: XmlNode, pool: string): string {
  const disk = below(first(domain, 'devices'), 'disk')[0];
  const file = first(disk, 'source')?.attributes['file'];
  if (file === undefined) return '';
  const path = join(pool, file.split('/').pop() ?? '');
  return existsSync(path) ? `${file}: ${contentOf(path)}` : `nothing at ${file}`;
}

/** The data disks of a machine in the pool, whether it has them or not. */
function dataDisksOf(uuid: string, domain: XmlNode, pool: string): readonly DataDisk[] {
  const files = readdirSync(pool).filter((name) => name.startsWith(`${uuid}-data`));
  return files.sort().map((file) => {
    const name = `data-${/-data(\d+)\./.exec(file)?.[1]}`;
    const attached = below(first(domain, 'devices'), 'disk').some((disk) =>
      first(disk, 'source')?.attributes['file']?.endsWith(file),
    );
    const path = join(pool, file);
    return { name, attached, gib: sizeOf(path) / 2 ** 30, content: wordFor(contentOf(path)) };
  });
}

function wordFor(content: string): string {
  return content === 'template' ? 'empty' : content === 'wwwwwwww' ? 'written over' : content;
}

/** A small machine as an administrator of the host would define it. */
export async function plantDomain(
  client: Client,
  given: { readonly name: string; readonly uuid: string; readonly mark: XmlNode | undefined },
): Promise<Domain> {
  const { name, uuid, mark } = given;
  const xml = node(
    'domain',
    { type: 'qemu' },
    node('name', {}, name),
    node('uuid', {}, uuid),
    mark === undefined ? undefined : node('metadata', {}, mark),
    node('memory', { unit: 'MiB' }, '64'),
    node('vcpu', {}, '1'),
    node('os', {}, node('type', { arch: 'x86_64', machine: 'pc' }, 'hvm')),
    node('devices'),
  );
  return defineDomain(client, writeTree(xml), { what: 'plant', deadline: deadline() });
}

export async function powerOff(client: Client, domain: Domain): Promise<void> {
  if ((await powerOf(client, domain, deadline())).state === 5) return;
  await order(client, domain, 'destroy', deadline());
}

function writeToDrive(daemon: Daemon, uuid: string, drive: string, letter: number): void {
  const device = `/machine/peripheral/${drive}/virtio-backend`;
  monitor(daemon, uuid, `qemu-io -d ${device} "write -f -P ${letter} ${contentAt} 512"`);
}

/** Writes over what a data disk holds that a running guest has. */
export function writeToDataDisk(daemon: Daemon, { live, remoteId }: Looked, name: string): void {
  const file = `${remoteId}-${name.replace('data-', 'data')}.qcow2`;
  const disk = below(first(live, 'devices'), 'disk').find((each) =>
    first(each, 'source')?.attributes['file']?.endsWith(file),
  );
  writeToDrive(daemon, remoteId, first(disk, 'alias')?.attributes['name'] ?? '', 0x77);
}

/** Writes over what the disk of a running guest holds, by its own process. */
export function writeToDisk(daemon: Daemon, uuid: string, letter: number): void {
  writeToDrive(daemon, uuid, 'virtio-disk0', letter);
}

export function monitor(daemon: Daemon, uuid: string, command: string): string {
  return daemon.virsh('qemu-monitor-command', '--hmp', uuid, command);
}

/** Until the guest has told the chip to watch the power button, which is the first thing that it does. */
export async function untilBooted(daemon: Daemon, uuid: string): Promise<void> {
  for (let turn = 0; turn < 300; turn += 1) {
    if (/= 0x0?100\b/.test(monitor(daemon, uuid, 'i /h 0x602'))) return;
    await pause(100);
  }
  throw new Error(`the guest ${uuid} did not boot`);
}
