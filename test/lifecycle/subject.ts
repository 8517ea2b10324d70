import type { Outcome } from '../../src/contract/action.ts';
import type { SizedInstance } from '../../src/contract/instance.ts';
import type { Mark } from '../../src/contract/machine.ts';
import { Failure } from '../../src/failure.ts';
import { installation, type Stored, verbsIn, type World } from './memory-driver.ts';

/** The instance that every test of the lifecycle is about. */
export const instance: SizedInstance = {
  uuid: '11111111-1111-4111-8111-111111111111',
  name: 'i-2-42-VM',
  deploying: false,
  stored: {},
  cpus: 2,
  memoryBytes: 2 ** 30,
  nics: [],
};

export function markFor(remoteId: string, more: Partial<Mark> = {}): Mark {
  const { uuid, name } = instance;
  return { uuid, name, installation, remoteId, state: 'built', origin: 'created', ...more };
}

/** Puts the instance's machine into the world. */
export function plant(world: World, more: Partial<Stored> = {}, mark: Partial<Mark> = {}): Stored {
  const { remoteId } = world.put({ name: instance.name, disk: 'own', ...more });
  return world.set({ remoteId, name: '', mark: undefined }, { mark: markFor(remoteId, mark) });
}

/** Another instance's machine, which no verb about the instance may change. */
export function plantStranger(world: World, more: Partial<Stored> = {}): Stored {
  const other = { uuid: '22222222-2222-4222-8222-222222222222', name: 'i-2-43-VM' };
  return plant(world, { name: other.name, state: 'on', disk: 'stranger', ...more }, other);
}

/** Runs a custom action on the instance. */
export function run(world: World, name: string, parameters = {}): Promise<Outcome> {
  return verbsIn(world).run(name, { instance, parameters, policy: {}, blueprint: {} });
}

/** What a promise fails with; a promise that succeeds fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error('the verb succeeded');
}
