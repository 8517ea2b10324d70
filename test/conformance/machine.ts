import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Mark } from '../../src/contract/machine.ts';
import type { Provider } from '../../src/contract/provider.ts';
import { admin } from '../support/payloads.ts';
import type { Done } from '../support/world.ts';
import type { RemoteMachine } from './backend.ts';
import { type Cloud, installation, type Options } from './cloud.ts';

/** Checks that a machine has the hardware that CloudStack knows of the instance. */
export function assertHardware(machine: RemoteMachine, { vm }: Cloud): void {
  if (machine.physical === true) return;
  assert.equal(machine.cpus, vm.cpus);
  assert.equal(machine.memoryMb, vm.memoryMb);
  const wanted = [...vm.nics].sort((a, b) => a.deviceId - b.deviceId);
  assert.deepEqual(
    machine.nics,
    wanted.map(({ mac, vlan }) => ({ mac, vlan })),
  );
}

/** A mark of the instance as a create leaves it that was killed in the middle, or as finished. */
export function markOf({ vm }: Cloud, more: Partial<Mark> = {}): (remoteId: string) => Mark {
  return (remoteId) => ({
    uuid: vm.uuid,
    name: vm.name,
    installation,
    remoteId,
    state: 'built',
    origin: 'created',
    ...more,
  });
}

/** Lets the instance's details point at a machine, as a tenant can. */
export function pointAt(cloud: Cloud, provider: Provider, remoteId: string): void {
  const hints = Object.keys(provider.stored).map((key) => [key, remoteId]);
  cloud.change({ details: { ...cloud.vm.details, ...Object.fromEntries(hints) } });
}

/** Whether an instance's details can point at a machine; the case is skipped where they cannot. */
export function canPoint(t: TestContext, { name, stored }: Provider): boolean {
  if (Object.keys(stored).length > 0) return true;
  t.skip(`${name} stores no details, so that none can point at a machine`);
  return false;
}

/** Parameters that every action accepts, so that nothing but ownership can refuse it. */
export function parametersFor(cloud: Cloud, provider: Provider, name: string) {
  const action = provider.actions[name];
  const wanted = Object.entries(action?.parameters ?? {}).filter(([, each]) => each.required);
  const values = wanted.map(([key, { example }]) => [key, example]);
  const repeated = action?.destroysData === true ? { confirm: cloud.vm.name } : {};
  return { ...Object.fromEntries(values), ...repeated } as Readonly<Record<string, unknown>>;
}

/** Everything that may be done with an instance, but for making it. */
export async function doEverything(
  cloud: Cloud,
  provider: Provider,
  options: Options = { caller: admin },
): Promise<readonly (Done & { readonly action: string })[]> {
  const done: (Done & { action: string })[] = [];
  for (const action of ['start', 'reboot', 'stop', 'getconsole', 'status']) {
    done.push({ action, ...(await cloud.call(action, options)) });
  }
  for (const action of Object.keys(provider.actions)) {
    const parameters = parametersFor(cloud, provider, action);
    done.push({ action, ...(await cloud.custom(action, parameters, options)) });
  }
  done.push({ action: 'delete', ...(await cloud.call('delete', options)) });
  return done;
}
