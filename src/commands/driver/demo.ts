import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Failure } from '../../failure.ts';
import { deadlineIn } from '../../kit/deadline.ts';
import { silent } from '../../kit/log.ts';
import { driverTools } from '../../providers/index.ts';
import type { CommandCall } from '../command.ts';
import type { Details } from '../conform/payloads.ts';
import { readWritten } from './settings-file.ts';

interface Cast<Step> {
  readonly details: Details;
  readonly steps: readonly Step[];
  readonly drivers: object;
}

/** The demonstration over a driver: without the steps that the driver has no primitive for. */
export async function castFor<Step extends { readonly action: string; readonly half?: 'network' }>(
  given: string,
  directory: string,
  call: CommandCall,
  steps: readonly Step[],
): Promise<Cast<Step>> {
  const folder = join(directory, 'drivers');
  const name = basename(given).replace(/[^A-Za-z0-9._-]/g, '-');
  mkdirSync(folder, { mode: 0o755 });
  copyFileSync(resolve(given), join(folder, name));
  chmodSync(join(folder, name), 0o755);
  const { settings, blueprint } = readWritten(call);
  const { capabilities = [] } = await described(join(folder, name), directory);
  const has = (capability: string): boolean => capabilities.some((each) => each === capability);
  const lacking = [
    'prepare',
    ...(has('console') ? [] : ['getconsole']),
    ...(has('snapshots') ? [] : ['CreateSnapshot', 'ListSnapshots']),
  ];
  return {
    details: {
      extension: { provider: 'command', driver: name, installation: 'demo' },
      ...{ resourcemap: {}, host: settings, virtualmachine: blueprint },
    },
    steps: steps.filter(({ action, half }) => half === undefined && !lacking.includes(action)),
    drivers: { directory: folder, owner: 'caller' },
  };
}

async function described(path: string, directory: string) {
  const { askDriver, executableAt } = await driverTools();
  const reach = { driver: path, executable: () => executableAt(path), environment: {} };
  const stateDirectory = (): string => {
    throw new Failure('config', `Nothing is kept outside of ${directory}`);
  };
  return askDriver(reach, { deadline: deadlineIn(20), log: silent, stateDirectory });
}
