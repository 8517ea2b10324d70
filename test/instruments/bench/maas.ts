import { fingerprintOf, readKey } from '../../../fakes/http/keys.ts';
import { maasBackend } from '../../providers/maas/backend.ts';
import { standing } from './instance.ts';
import { livesOf, repeated } from './life.ts';
import { serveStage } from './stage.ts';

/** How many machines CloudStack's host has, with the one that comes and goes. */
const machines = 30;

serveStage(async () => {
  const backend = await maasBackend({
    tls: readKey('trusted'),
    host: {
      shared_user: 'false',
      tls_fingerprint: fingerprintOf('trusted'),
      console_url: 'https://console.example/{uuid}',
    },
  });
  for (let id = 1; id < machines; id += 1) await backend.plant(standing(id));
  const life = livesOf(backend, {
    firstId: 1001,
    bars: { '*': { connections: 1 }, status: { cpuRatio: 3.2 }, statuses: { cpuRatio: 3.2 } },
    calls: [
      ['GetIpAddresses'],
      ['GetDetails'],
      ['ListMachines'],
      ['Lock'],
      ['Unlock'],
      ['Redeploy', repeated],
    ],
  });
  return {
    steps: life.map((step) =>
      step.name === 'statuses' ? { ...step, name: `statuses of ${machines}`, times: 3 } : step,
    ),
    close: () => backend.close(),
  };
});
