import { dirname } from 'node:path';
import type { Backend } from '../../conformance/backend.ts';
import { simulatorBackend, stateOf } from '../../providers/simulator/backend.ts';
import { makePlace, type Place } from '../../support/world.ts';
import { standing } from './instance.ts';
import { listingOf, livesOf, repeated } from './life.ts';
import { type Step, serveStage } from './stage.ts';

const snapshot = (): { readonly snap_name: string } => ({ snap_name: 'before' });

serveStage(async () => {
  const places: Place[] = [];
  const system = async (machines: number): Promise<[Backend, Pick<Step, 'config'>]> => {
    const place = makePlace({});
    places.push(place);
    const backend = await simulatorBackend(place);
    for (let id = 1; id <= machines; id += 1) await backend.plant(standing(id));
    return [backend, { config: { state_directory: dirname(stateOf(place)) } }];
  };
  const listing = async (machines: number): Promise<Step> => {
    const [backend, config] = await system(machines);
    return listingOf(backend, `statuses of ${machines}`, { ...config, times: 2 });
  };
  const [backend, config] = await system(0);
  const life = livesOf(backend, {
    firstId: 1,
    host: { console_url: 'https://console.example/{uuid}' },
    bars: { status: { cpuRatio: 1.5 } },
    calls: [
      ['CreateSnapshot', snapshot],
      ['ListSnapshots'],
      ['RestoreSnapshot', snapshot],
      ['DeleteSnapshot', snapshot],
      ['GetIpAddresses'],
      ['GetDetails'],
      ['Suspend'],
      ['Resume'],
      ['Reset'],
      ['Reinstall', repeated],
    ],
  });
  return {
    steps: [
      ...life.map((step) => ({ ...step, ...config })),
      ...(await Promise.all([1, 100, 1000].map(listing))),
    ],
    async close() {
      for (const place of places) place.remove();
    },
  };
});
