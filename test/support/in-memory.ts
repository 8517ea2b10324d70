import type { Driver } from '../../src/contract/driver.ts';
import type { Machine } from '../../src/contract/machine.ts';

/** A driver of machines that are always on; a test gives the primitives that it is about. */
export function inMemory(given: Partial<Driver>): Driver {
  const same = async (machine: Machine): Promise<Machine> => machine;
  return {
    policy: { adoptUnmarked: false, deleteAdopted: false, graceSeconds: 0 },
    list: async () => [],
    describe: ({ remoteId, name = '', mark }) => ({ remoteId, name, mark, power: 'on' }),
    state: async () => 'on',
    hasHardware: async () => true,
    make: async () => {
      throw new Error('the test makes no machine');
    },
    ...{ powerOn: same, resume: same, cutPower: same },
    shutDown: async () => true,
    restart: async () => {},
    destroy: async () => {},
    writeMark: async (machine, mark) => ({ ...machine, mark }),
    ...given,
  };
}
