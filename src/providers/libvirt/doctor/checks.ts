import { X509Certificate } from 'node:crypto';
import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { expectFailure, fullText } from '../../../failure.ts';
import { below, first, readTree } from '../../../kit/xml/tree.ts';
import { type Client, createClient } from '../api/client.ts';
import { brokenXml, findPool, findVolume, spaceIn } from '../api/volumes.ts';
import { optional, u32 } from '../api/xdr.ts';
import { withoutKvm } from '../machine/host.ts';
import { listMachines, troubleOf } from '../machine/machines.ts';
import type { Blueprint, Settings } from '../settings.ts';

interface Room {
  readonly client: Client;
  readonly settings: Settings;
  readonly context: Context;
}

/** For `doctor`: whether libvirt lets us in, and whether the parts that instances need are there. */
export async function checks(
  settings: Settings,
  context: Context,
  blueprint: Partial<Blueprint> = {},
): Promise<readonly Check[]> {
  const client = createClient(settings, context);
  const room: Room = { client, settings, context };
  const { template_pool, iso_pool, seed_pool } = settings;
  const { storage = 'default', template_id, iso_path } = blueprint;
  try {
    const server = await serverCheck(room);
    const certificate = certificateCheck(settings, new Date());
    if (server.state === 'fail') return [certificate, server];
    const more = [iso_pool, seed_pool].filter((name) => name !== undefined);
    const pools = new Set([storage, template_pool, ...more]);
    return [
      certificate,
      server,
      await domainsCheck(room),
      await kvmCheck(room),
      ...(await Promise.all([...pools].map((name) => poolCheck(room, name)))),
      ...(template_id === undefined ? [] : [await volumeCheck(room, template_pool, template_id)]),
      ...(iso_path === undefined || iso_pool === undefined
        ? []
        : [await volumeCheck(room, iso_pool, iso_path)]),
      ...(await networkChecks(room)),
      firmwareAndMachines(await capabilities(room), settings),
      screenCheck(settings),
    ].flat();
  } finally {
    client.close();
  }
}

const soonMs = 30 * 24 * 3600 * 1000;

/** libvirt ends a connection with a certificate that has run out, and does not say why. */
export function certificateCheck(
  { client_cert_file: pem }: Pick<Settings, 'client_cert_file'>,
  now: Date,
): Check {
  const name = 'client certificate';
  try {
    const { subject, validTo } = new X509Certificate(pem);
    const leftMs = Date.parse(validTo) - now.getTime();
    const found = `${subject.replaceAll('\n', ', ')}, valid until ${validTo}`;
    if (leftMs > soonMs) return { name, state: 'ok', found };
    const advice = 'Have a new one signed by the same authority, with the same name';
    return { name, state: leftMs > 0 ? 'warn' : 'fail', found, advice };
  } catch {
    const advice = 'client_cert_file has to hold the certificate first, then those above it';
    return { name, state: 'fail', found: 'cannot be read', advice };
  }
}

async function serverCheck({ client, context: { deadline } }: Room): Promise<Check> {
  return attempt('libvirt', async () => {
    const ask = { what: 'ask for the version', deadline };
    const [library, hypervisor] = await Promise.all([
      client.call('libraryVersion', [], ask, (from) => from.u64()),
      client.call('version', [], ask, (from) => from.u64()),
    ]);
    const host = await client.call('hostname', [], ask, (from) => from.text());
    const found = `libvirt ${dotted(library)} with QEMU ${dotted(hypervisor)} on ${host}`;
    if (library >= oldest) return { state: 'ok', found };
    return { state: 'warn', found, advice: 'Outrigger is made for libvirt 8.0 and newer' };
  });
}

const oldest = 8_000_000;

function dotted(version: number): string {
  const part = (by: number): number => Math.floor(version / by) % 1000;
  return [part(1_000_000), part(1000), part(1)].join('.');
}

function domainsCheck({ client, context: { deadline } }: Room): Promise<Check> {
  return attempt('domains', async () => {
    const all = await listMachines(client, deadline);
    const halted = all.filter((each) => troubleOf(each) !== undefined);
    const [one] = halted;
    if (one === undefined) return { state: 'ok', found: `${all.length} domains are defined` };
    return {
      state: 'warn',
      found: `${halted.length} of ${all.length} domains are halted: of ${one.name}, ${troubleOf(one)}`,
      advice: 'On the host: virsh domblkerror DOMAIN, free some space, then virsh resume DOMAIN',
    };
  });
}

function kvmCheck({ client, settings, context: { deadline } }: Room): Promise<Check> {
  return attempt('KVM', async () => {
    const { emulation } = settings;
    if (emulation === 'always')
      return { state: 'warn', found: 'emulation=always: KVM is not used' };
    const why = await withoutKvm(client, 'x86_64', deadline);
    if (why === undefined) return { state: 'ok', found: 'libvirt offers KVM' };
    return emulation === 'fallback'
      ? { state: 'warn', found: `instances are emulated: ${why}` }
      : {
          state: 'fail',
          found: why,
          advice: 'Switch virtualization on in the firmware of the host',
        };
  });
}

function poolCheck({ client, context: { deadline } }: Room, name: string): Promise<Check> {
  return attempt(`storage pool ${name}`, async () => {
    const { active, capacity, available } = await spaceIn(
      client,
      await findPool(client, name, deadline),
      deadline,
    );
    if (!active)
      return { state: 'fail', found: 'is not active', advice: `virsh pool-start ${name}` };
    const gib = (bytes: number): number => Math.floor(bytes / 2 ** 30);
    const found = `has ${gib(available)} of ${gib(capacity)} GiB left`;
    return { state: available < capacity / 20 ? 'warn' : 'ok', found };
  });
}

function volumeCheck(
  { client, context: { deadline } }: Room,
  pool: string,
  name: string,
): Promise<Check> {
  return attempt(`volume ${name}`, async () => {
    const found = await findVolume(client, await findPool(client, pool, deadline), name, deadline);
    if (found !== undefined) return { state: 'ok', found: `is in ${pool}` };
    return { state: 'fail', found: `is not in ${pool}`, advice: `virsh vol-list ${pool}` };
  });
}

/** Bridges are no objects of libvirt: a start shows whether one is there. */
async function networkChecks({ client, settings, context }: Room): Promise<readonly Check[]> {
  const { network, vlan_network } = settings;
  const named = [network, vlan_network].filter((each) => each !== undefined);
  if (named.length === 0) return [];
  const { deadline } = context;
  const check = (name: string) =>
    attempt(`network ${name}`, async () => {
      const ask = { what: 'list the networks', deadline };
      const active = 2;
      const names = await client.call('allNetworks', [u32(1), u32(active)], ask, (from) =>
        from.list((each) => {
          const one = each.text();
          each.fixed(16);
          return one;
        }),
      );
      const [before = '', after] = name.split('{vlan}');
      const found = names.filter((each) =>
        after === undefined
          ? each === name
          : each.startsWith(before) && each.endsWith(after) && each.length > before.length,
      );
      if (found.length > 0)
        return { state: 'ok' as const, found: `is active: ${found.join(', ')}` };
      return {
        state: 'fail' as const,
        found: 'is not there, or not active',
        advice: 'virsh net-list --all',
      };
    });
  return Promise.all(named.map(check));
}

async function capabilities({ client, settings, context: { deadline } }: Room): Promise<string> {
  const ask = { what: 'ask what the host can run', deadline };
  const args = [undefined, undefined, settings.machine_type, undefined].map(optional);
  return client
    .call('domainCapabilities', [...args, u32(0)], ask, (from) => from.text())
    .catch((thrown: unknown) => {
      expectFailure(thrown);
      return '';
    });
}

function firmwareAndMachines(xml: string, { machine_type }: Settings): Check {
  const name = 'machine type and firmware';
  if (xml === '') {
    const advice = 'qemu-system-x86_64 -machine help';
    return { name, state: 'fail', found: `QEMU has no machine ${machine_type}`, advice };
  }
  const firmware = below(first(readTree(xml, brokenXml), 'os'), 'enum').find(
    ({ attributes }) => attributes['name'] === 'firmware',
  );
  const efi = below(firmware, 'value').some(({ children }) => children.includes('efi'));
  if (efi) return { name, state: 'ok', found: `${machine_type} with BIOS and UEFI` };
  const advice = 'For UEFI instances, install OVMF on the host (Debian: ovmf)';
  return { name, state: 'warn', found: `${machine_type} with BIOS only`, advice };
}

function screenCheck({ vnc_listen, console_url }: Settings): Check {
  const name = 'console';
  if (console_url !== undefined) return { name, state: 'ok', found: 'console_url leads elsewhere' };
  if (!/^(127\.|::1$)/.test(vnc_listen)) {
    return { name, state: 'ok', found: `screens open on ${vnc_listen}` };
  }
  return {
    ...{ name, state: 'warn', found: `screens open on ${vnc_listen} only` },
    advice: 'Set vnc_listen to an address of the host that the console proxy reaches',
  };
}

async function attempt(name: string, look: () => Promise<Omit<Check, 'name'>>): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (thrown) {
    return { name, state: 'fail', found: fullText(expectFailure(thrown)) };
  }
}
