import { type Call, flag, vmidOf } from './call.ts';
import { die } from './errors.ts';
import { digestOf, loadVm, typedConfig, typedValue, withPending } from './machines.ts';

export function readConfig(call: Call): object {
  const { state, params } = call;
  const vm = loadVm(state, vmidOf(call), call.node.name);
  if (params['snapshot'] !== undefined) {
    const snapshot = vm.snapshots.get(params['snapshot']);
    if (snapshot === undefined) die(`snapshot '${params['snapshot']}' does not exist`);
    return typedConfig(state, snapshot.config);
  }
  const config = flag(call, 'current') ? vm.config : withPending(vm);
  const parent = vm.parent === undefined ? {} : { parent: vm.parent };
  return { ...typedConfig(state, config), ...parent, digest: digestOf(vm) };
}

export function readPending(call: Call): object[] {
  const { state } = call;
  const vm = loadVm(state, vmidOf(call), call.node.name);
  const hidden = (key: string, value: string): string | number =>
    key === 'cipassword' ? '**********' : typedValue(state.api.config[key], value);
  const now = [...vm.config].map(([key, value]) => {
    const pending = vm.pending.get(key);
    return {
      ...{ key, value: hidden(key, value) },
      ...(pending === undefined ? {} : { pending: hidden(key, pending) }),
      ...(vm.pendingDelete.has(key) ? { delete: vm.pendingDelete.get(key) === true ? 2 : 1 } : {}),
    };
  });
  const fresh = [...vm.pending]
    .filter(([key]) => !vm.config.has(key))
    .map(([key, value]) => ({ key, pending: hidden(key, value) }));
  return [...now, ...fresh, { key: 'digest', value: digestOf(vm) }];
}
