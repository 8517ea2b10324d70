import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf } from '../../../fakes/http/keys.ts';
import { first, node, writeTree } from '../../../src/kit/xml/tree.ts';
import { affects, order, writeMetadata } from '../../../src/providers/libvirt/api/domains.ts';
import { libvirt } from '../../../src/providers/libvirt/index.ts';
import { markElement, uris } from '../../../src/providers/libvirt/machine/marks.ts';
import type { Backend } from '../../conformance/backend.ts';
import { judgeBy } from '../../conformance/break.ts';
import type { Details } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import {
  deadline,
  type Looked,
  lookAtAll,
  monitor,
  plantDomain,
  powerOff,
  untilBooted,
  writeToDataDisk,
  writeToDisk,
} from './admin.ts';
import type { Identity } from './certificates.ts';
import type { Host, Hosts } from './hosts.ts';
import { type CuttingProxy, startProxy } from './proxy.ts';

export interface LibvirtBackend extends Backend {
  readonly proxy: CuttingProxy;
  readonly host: Host;
}

/** A genuine libvirtd as the conformance suite looks into it and disturbs it: a host alone for each case. */
export async function libvirtBackend(
  hosts: Hosts,
  place: Place,
  more: Details = {},
): Promise<LibvirtBackend> {
  const host = await hosts.take();
  const { daemon, client, bridges } = host;
  const { identities } = hosts;
  const proxy = await startProxy(daemon.port, identities);
  const all = () => lookAtAll(client, daemon);
  const one = async (remoteId: string): Promise<Looked> => {
    const found = (await all()).find((each) => each.remoteId === remoteId);
    if (found === undefined) throw new Error(`there is no domain ${remoteId}`);
    return found;
  };
  let identity = identities.own;
  let during = 0;
  let letter = 0x41;

  return {
    ...{ proxy, host, provider: 'libvirt', registry: { libvirt: async () => libvirt } },
    details: () => ({
      host: {
        url: `qemu+tls://127.0.0.1:${proxy.port}/system`,
        tls_fingerprint: fingerprintOf('trusted'),
        ...secretsIn(place, identity),
        ...{ template_pool: 'templates', emulation: 'always', machine_type: 'pc' },
        ...{ bridge: `${bridges}0`, vlan_bridge: `${bridges}{vlan}`, grace_seconds: '5', ...more },
      },
    }),
    chosen: { template_id: 'guest.qcow2' },
    secrets: [identities.own.key, identities.other.key],
    lacks: {
      setPower: 'libvirt cannot suspend a guest without an agent; own-cases.ts has the other two',
      protect: 'libvirt has no guard against removal',
      makeTemplate: 'the templates of libvirt are volumes, not machines',
      fill: 'the tests cannot use up the memory of their machine; own-cases.ts asks for more than it has',
      elsewhere: 'a connection leads to one host',
      move: 'a connection leads to one host',
      allowed_isos: 'the cases choose a template, beside which there is no ISO image',
    },
    machines: all,
    async plant({ name: wanted, mark, power = 'off' }) {
      const taken = (await all()).map(({ name }) => name);
      const name = taken.includes(wanted) ? `${wanted}-${taken.length}` : wanted;
      const uuid = randomUUID();
      const element = mark === undefined ? undefined : markElement(mark(uuid));
      const domain = await plantDomain(client, { name, uuid, mark: element });
      if (power === 'on') await order(client, domain, 'start', deadline());
      return uuid;
    },
    removeBehind: async (remoteId) => removeDomain(host, await one(remoteId)),
    async outage(on) {
      during = 0;
      const count = () => {
        during += 1;
        return 'lost-request' as const;
      };
      proxy.disturb(on ? count : undefined);
    },
    callsDuringOutage: async () => during,
    async withdrawRights(on) {
      identity = on ? identities.other : identities.own;
    },
    async elsewhereApi(on) {
      proxy.greetWith(on ? 'HTTP/1.1 404 Not Found\r\n\r\n' : undefined);
    },
    async breakOff(where) {
      const { judge, changes } = judgeBy(where);
      proxy.disturb(({ isChange }) => {
        const how = judge(isChange);
        return how === undefined ? undefined : how === 'before' ? 'lost-request' : 'lost-answer';
      });
      return { changes, mend: async () => proxy.disturb(undefined) };
    },
    async copy(source) {
      const { live, name } = await one(source);
      const uuid = randomUUID();
      const children = live.children.filter(
        (each) => typeof each === 'string' || !['name', 'uuid', 'devices'].includes(each.tag),
      );
      const named = [node('name', {}, `${name}-copy`), node('uuid', {}, uuid), node('devices')];
      const xml = writeTree({
        ...live,
        attributes: { type: 'qemu' },
        children: [...children, ...named],
      });
      const file = join(place.folder, 'copy.xml');
      writeFileSync(file, xml);
      daemon.virsh('define', file);
      return uuid;
    },
    boots: async (remoteId) => (await one(remoteId)).domain.id,
    async changeDisk(remoteId) {
      letter += 1;
      writeToDisk(daemon, remoteId, letter);
    },
    changeDataDisk: async (remoteId, name) => writeToDataDisk(daemon, await one(remoteId), name),
    dataDisks: async () =>
      readdirSync(daemon.pools.default).flatMap((file) => {
        const [, machine, number] = /^([0-9a-f-]{36})-data(\d+)\./.exec(file) ?? [];
        return machine === undefined ? [] : [{ machine, name: `data-${number}` }];
      }),
    async damage(remoteId) {
      const { domain, power, mark } = await one(remoteId);
      const xml = writeTree(node('mark', {}, mark.slice(0, 40)));
      const flags = affects.config + (power === 'off' ? 0 : affects.live);
      await writeMetadata(client, domain, { uri: uris.mark, xml, flags }, deadline());
    },
    async slowTasks(on) {
      const slow = ['define', 'createVolume', 'start', 'createSnapshot', 'shutdown'];
      proxy.disturb(
        on ? ({ procedure }) => (slow.includes(procedure) ? 'never' : undefined) : undefined,
      );
    },
    taskMs: async (ms) => proxy.holdTasks(ms),
    failTasks: async (on) => swapTemplates(host, on),
    async screen(remoteId) {
      const screen = first((await one(remoteId)).live, 'devices', 'graphics')?.attributes ?? {};
      return { host: screen['listen'] ?? '', port: Number(screen['port']) };
    },
    async ignoreShutdown(on) {
      for (const { remoteId, power } of await all()) {
        if (power !== 'on') continue;
        await untilBooted(daemon, remoteId);
        // The chip that watches the power button is told not to, and to again.
        monitor(daemon, remoteId, `o /h 0x602 ${on ? '0x0' : '0x100'}`);
      }
    },
    async close() {
      await proxy.close();
      swapTemplates(host, false);
      await cleared(host);
      hosts.giveBack(host);
    },
  };
}

/** The template becomes one that no guest can start from. */
function swapTemplates(host: Host, swapped: boolean): void {
  if (host.swapped === swapped) return;
  const at = (name: string) => join(host.daemon.pools.templates, name);
  renameSync(at('guest.qcow2'), at('kept'));
  renameSync(at('broken.qcow2'), at('guest.qcow2'));
  renameSync(at('kept'), at('broken.qcow2'));
  host.swapped = swapped;
}

function secretsIn({ folder }: Place, { cert, key }: Identity): Details {
  const directory = join(folder, 'secrets');
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeFileSync(join(directory, 'client.crt'), cert, { mode: 0o640 });
  writeFileSync(join(directory, 'client.key'), key, { mode: 0o640 });
  return { client_cert_file: 'client.crt', client_key_file: 'client.key' };
}

/** With its volumes, as an administrator of the host would. */
async function removeDomain({ client, daemon }: Host, { domain, remoteId }: Looked): Promise<void> {
  await powerOff(client, domain);
  await order(client, domain, 'undefine', deadline(), 1 + 2 + 4 + 16);
  for (const name of readdirSync(daemon.pools.default).filter((each) =>
    each.startsWith(remoteId),
  )) {
    rmSync(join(daemon.pools.default, name));
  }
}

/** Removes what is left of a case; a disk without its machine was left by Outrigger and is an error. */
async function cleared(host: Host): Promise<void> {
  const { client, daemon } = host;
  const all = await lookAtAll(client, daemon);
  const names = readdirSync(daemon.pools.default);
  const orphans = names.filter((name) => !all.some(({ remoteId }) => name.startsWith(remoteId)));
  for (const machine of all) await removeDomain(host, machine);
  for (const name of orphans) rmSync(join(daemon.pools.default, name));
  daemon.virsh('pool-refresh', 'default');
  if (orphans.length > 0) throw new Error(`disks without a machine: ${orphans.join(', ')}`);
}
