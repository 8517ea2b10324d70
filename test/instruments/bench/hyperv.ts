import { hyperVBackend } from '../../providers/hyperv/backend.ts';
import { standing } from './instance.ts';
import { livesOf, repeated } from './life.ts';
import { serveStage } from './stage.ts';

const machines = 30;
const snapshot = (): { readonly snap_name: string } => ({ snap_name: 'before' });

serveStage(async () => {
  const backend = await hyperVBackend();
  for (let id = 1; id < machines; id += 1) await backend.plant(standing(id));
  const life = livesOf(backend, {
    firstId: 1001,
    host: { console_url: 'https://console.example/{uuid}' },
    bars: {
      status: { requests: 8, connections: 1, cpuRatio: 8 },
      create: { connections: 1, starts: 1 },
    },
    calls: [
      ['CreateSnapshot', snapshot],
      ['ListSnapshots'],
      ['RestoreSnapshot', snapshot],
      ['DeleteSnapshot', snapshot],
      ['GetIpAddresses'],
      ['Suspend'],
      ['Resume'],
      ['Reset'],
      ['ResizeDisk', () => ({ size_gb: 80 })],
      ['AttachIso', () => ({ iso_path: 'D:\\ISO\\debian-12.iso' })],
      ['DetachIso'],
      ['Reinstall', repeated],
    ],
  });
  return {
    steps: life.map((step) =>
      step.name === 'statuses' ? { ...step, name: `statuses of ${machines}`, times: 3 } : step,
    ),
    starts: () => backend.fake.messages.filter((action) => action === 'Command').length,
    close: () => backend.close(),
  };
});
