import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf } from '../../../fakes/http/keys.ts';
import { startServer } from '../../../fakes/http/server.ts';
import type { Cluster } from '../../../fakes/pve/index.ts';
import { recorded } from '../../cloudstack/recorded.ts';
import type { Backend } from '../../conformance/backend.ts';
import { proxmoxBackend } from '../../providers/proxmox/backend.ts';
import { simulatorBackend } from '../../providers/simulator/backend.ts';
import { makePlace } from '../../support/world.ts';
import { refusedPayload } from './instance.ts';
import { livesOf } from './life.ts';
import { type Bar, type Step, serveStage } from './stage.ts';

/*
 * The calls whose instructions are counted (callgrind.mjs): the ones that CloudStack makes most
 * often, and what one HTTPS request costs without our code and with as little of it as possible.
 */

const answer = '{"running":true}';

serveStage(async (folder) => {
  const server = await startServer((_, response) => response.end(answer), { key: 'rsa-2048' });
  const pin = fingerprintOf('rsa-2048');
  const host = { url: server.url, secret: 'not-a-real-one', tls_fingerprint: pin };
  const place = makePlace({});
  const simulator = await simulatorBackend(place);
  let cluster: Cluster | undefined;
  const proxmox = await proxmoxBackend({}, (made) => {
    cluster = made;
  })();
  const changed = join(folder, 'home/.local/state/outrigger/proxmox/changed');
  /** As after half a minute in which nothing was changed. */
  const rest = (): void => {
    cluster?.broadcast();
    rmSync(changed, { force: true });
  };
  return {
    steps: [
      {
        ...{ name: 'refused payload', action: 'status', exit: 1, payload: refusedPayload },
        bar: { instructions: 1.6 },
      },
      ...statusOf('simulator', simulator, { bar: { instructions: 1.85 } }),
      {
        ...{ name: 'bare pinned GET', action: 'status', reference: true },
        program: { script: barePinnedGet(server.url, pin) },
      },
      {
        ...{ name: 'HTTPS GET, pinned', action: 'status', program: 'probe' },
        payload: () => recorded('status', 'probe', host),
      },
      ...statusOf('proxmox', proxmox, {
        rest,
        bar: { instructionsOfReference: 1.3, requests: 2 },
      }),
    ],
    async close() {
      await Promise.all([server.close(), proxmox.close()]);
      place.remove();
    },
  };
});

/** An instance is made, which is not counted, and then its status is asked. */
function statusOf(
  name: string,
  backend: Backend,
  { rest, bar }: { readonly bar: Bar; rest?(): void },
): readonly Step[] {
  const only = ['prepare', 'create', 'status'];
  const life = livesOf(backend, { firstId: 1001, only, ...(rest && { rest }) });
  return life.map(({ name: step, times: _, ...call }) => ({
    ...call,
    name: `${name}: ${step}`,
    ...(step === 'status' ? { bar } : { preparation: true }),
  }));
}

/** One request with Node's own client, which compares the certificate and nothing else. */
function barePinnedGet(url: string, pin: string): string {
  return (
    `require('https').get(${JSON.stringify(url)},{rejectUnauthorized:false,ca:[]},` +
    "(r)=>r.on('data',()=>{}).on('end',()=>process.exit(0)))" +
    `.on('socket',(s)=>s.on('secureConnect',()=>{` +
    `if(s.getPeerX509Certificate().fingerprint256!==${JSON.stringify(pin)})process.exit(1)}))`
  );
}
