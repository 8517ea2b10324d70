import { halt } from '../start.ts';
import type { Playing, Stage } from './engine.ts';
import { addDisk, deaf, running } from './stage.ts';

export type Before = NonNullable<Stage['before']>;

export const crashes: Before = {
  'disk image missing': ({ cluster }) => {
    halt(cluster.vm(140));
    const { volumes } = cluster.state;
    for (const volume of volumes) if (volume.vmid === 140) volumes.delete(volume);
  },
  'QEMU does not start (bad args)': async ({ cluster }) => {
    await addDisk(cluster, 140, 'scsi0', 1);
    cluster.vm(140).brokenQemu = true;
  },
  '… start': ({ cluster }) => {
    cluster.vm(140).brokenQemu = false;
    cluster.vm(140).config.delete('bios');
    Object.assign(cluster.vm(140).guest, deaf);
  },
  'stop a running shutdown task': (at) => beginShutdown(at, true),
  'stop while a shutdown task runs': (at) => beginShutdown(at, false),
  'stop overrule-shutdown=1 while a shutdown task runs': (at) => beginShutdown(at, false),
  'QEMU killed from outside': ({ cluster }) => halt(cluster.vm(140)),
  'task status after its worker died': async (at) => {
    const form = { newid: '141', full: '1', bwlimit: '3000' };
    const upid = String((await at.send('POST', '/nodes/pve1/qemu/140/clone', form)).json().data);
    at.means(upidIn(at.call.path), upid);
    await at.cluster.clock.advance(2000);
    at.cluster.state.tasks.find(upid)?.kill();
  },
  'after qm unlock': ({ cluster }) => void cluster.vm(141).config.delete('lock'),
};

export const nextBroadcast = (at: Playing): Promise<void> => at.cluster.clock.advance(10_000);

/** Listings of failed tasks need some. */
export async function failTwice({ cluster, send }: Playing): Promise<void> {
  Object.assign(cluster.vm(100), running);
  for (let times = 0; times < 2; times += 1) {
    await send('POST', '/nodes/pve1/qemu/100/status/start');
    await cluster.clock.advance(2000);
  }
}

function upidIn(path: string): string {
  return /UPID:[^/]*/.exec(decodeURIComponent(path))?.[0] ?? '';
}

async function beginShutdown(at: Playing, named: boolean): Promise<void> {
  Object.assign(at.cluster.vm(140), running);
  const reply = await at.send('POST', '/nodes/pve1/qemu/140/status/shutdown', { timeout: '19' });
  if (named) at.means(upidIn(at.call.path), String(reply.json().data));
  await at.cluster.clock.advance(500);
}

export const outage: Before = {
  'proxied call': ({ cluster }) => cluster.nodeDown('pve2', 'refused', false),
  'create without quorum (2 of 2 votes needed)': ({ cluster: { state } }) => {
    state.quorate = false;
  },
  'migrate to the offline node': ({ cluster: { state } }) => {
    state.quorate = true;
  },
  'host unreachable': ({ cluster: { state } }) => {
    Object.assign(state.nodes.get('pve2') ?? {}, { reach: 'silent', online: false });
  },
};
