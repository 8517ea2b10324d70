import { join } from '../api/paths.ts';
import type { Settings } from '../settings.ts';
import { machineFolder } from './disk.ts';
import type { HostMachine } from './list.ts';

/** The image with the data for a guest, in the machine's own folder; empty for a machine without a mark. */
export function seedPlace(settings: Settings, { mark }: Pick<HostMachine, 'mark'>): string {
  return typeof mark === 'object' ? join(machineFolder(settings, mark), 'outrigger-seed.iso') : '';
}
