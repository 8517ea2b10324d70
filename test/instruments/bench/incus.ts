import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { mapLimit } from '../../../src/kit/map-limit.ts';
import { marking } from '../../../src/providers/incus/api/wire.ts';
import { type IncusBackend, incusBackend } from '../../providers/incus/backend.ts';
import { type Server, startServer } from '../../providers/incus/server.ts';
import type { Details } from '../../support/payloads.ts';
import { makePlace } from '../../support/world.ts';
import { standing } from './instance.ts';
import { listingOf, livesOf, repeated } from './life.ts';
import { type Step, serveStage } from './stage.ts';

/** How many instances there are for the report of many. */
const many = 500;

const snapshot = (): { readonly snap_name: string } => ({ snap_name: 'before' });
const disk = () => ({ disk: 'default/data1' });

/** A genuine server, which has to be installed; it works for each call on the same machine. */
serveStage(async () => {
  const server = await startServer('incus');
  const place = makePlace({});
  const backend = await incusBackend(server, place);
  const crowd = await incusBackend(server, place);
  const second = `${backend.bridges}1578`;
  execFileSync('ip', ['link', 'add', second, 'type', 'bridge']);
  await addMany(server, crowd);
  const config = { secrets_directory: join(place.folder, 'secrets') };
  const host = { grace_seconds: '5' };
  const bars = {
    '*': { connections: 1 },
    status: { cpuRatio: 2.2, requests: 1 },
    statuses: { requests: 1 },
  };
  const life = livesOf(backend, {
    ...{ firstId: 1001, host, bars },
    only: ['prepare', 'create', 'status', 'statuses', 'stop', 'start', 'reboot', 'delete'],
    calls: [
      ['CreateSnapshot', snapshot],
      ['ListSnapshots'],
      ['RestoreSnapshot', snapshot],
      ['DeleteSnapshot', snapshot],
      ['GetIpAddresses'],
      ['GetDetails'],
      ['AddDisk', () => ({ size_gb: 1 })],
      ['ListDisks'],
      ['DetachDisk', disk],
      ['DeleteDisk', (vm) => ({ ...disk(), ...repeated(vm) })],
      ['Suspend'],
      ['Resume'],
      ['Reset'],
      ['Reinstall', repeated],
    ],
  });
  const listing = listingOf(crowd, `statuses of ${many}`, {
    bar: { requests: 1, connections: 1 },
    times: 2,
  });
  const calls = [...life, listing].map((step) => ({ ...step, config }));
  return {
    steps: [...calls, serverAlone(backend, server)],
    async close() {
      await backend.close();
      await crowd.close();
      execFileSync('ip', ['link', 'del', second]);
      await server.close();
      place.remove();
    },
  };
});

/** Without a disk of their own, which no report looks at, they are there in seconds. */
async function addMany({ ask }: Server, { project }: IncusBackend): Promise<void> {
  const ids = Array.from({ length: many }, (_, index) => index + 1);
  await mapLimit(ids, 8, async (id) => {
    const { name, mark } = standing(id);
    const size = { 'limits.cpu': '2', 'limits.memory': String(1024 ** 3) };
    const config: Details = { ...size, ...(mark === undefined ? {} : marking(mark(name))) };
    const json = { name, type: 'container', source: { type: 'none' }, profiles: ['default'] };
    await ask('POST', `/1.0/instances?project=${project}`, { ...json, config });
  });
}

/** The same instance as create makes, made and started over the server's socket by a few lines of Node. */
function serverAlone({ project, bridges }: IncusBackend, { home }: Server): Step {
  const nic = (vlan: number) => ({ type: 'nic', nictype: 'bridged', parent: `${bridges}${vlan}` });
  const body = {
    ...{ type: 'container', source: { type: 'image', alias: 'busybox' }, profiles: ['default'] },
    config: { 'limits.cpu': '2', 'limits.memory': String(1024 ** 3) },
    devices: { eth0: nic(1577), eth1: nic(1578) },
  };
  const script = `
const { request } = require('node:http');
const socketPath = ${JSON.stringify(join(home, 'unix.socket'))};
const ask = (method, path, json) => new Promise((resolve, reject) => {
  request({ socketPath, method, path }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => { text += chunk; }).on('end', () => resolve(JSON.parse(text)));
  }).on('error', reject).end(json && JSON.stringify(json));
});
const done = async (method, path, json) => {
  const { operation } = await ask(method, path + '?project=${project}', json);
  const { metadata } = await ask('GET', operation + '/wait');
  if (metadata.status_code !== 200) throw new Error(metadata.err);
};
const name = 'alone' + Date.now();
done('POST', '/1.0/instances', { name, ...${JSON.stringify(body)} })
  .then(() => done('PUT', '/1.0/instances/' + name + '/state', { action: 'start', timeout: -1 }));
`;
  return { name: 'the server alone: create', action: 'create', program: { script } };
}
