import type { Call } from './call.ts';
import { denied } from './errors.ts';
import { demand, may } from './rights.ts';
import type { State } from './state.ts';

/**
 * Tags need a right on the VM itself, a pool it is not in yet does not count; which tags are free
 * is the cluster's policy.
 */
export function demandTags(call: Call, vmid: number, before: string, after: string): void {
  const { state, caller } = call;
  if (caller.id === 'root@pam') return;
  demand(state, caller, `/vms/${vmid}`, ['VM.Config.Options']);
  if (may(state, caller, '/', ['Sys.Modify'])) return;
  const old = tagsIn(before);
  const changed = [
    ...tagsIn(after).filter((tag) => !old.includes(tag)),
    ...old.filter((tag) => !tagsIn(after).includes(tag)),
  ];
  const wrong = changed.find((tag) => !isFree(state, call, tag));
  if (wrong !== undefined) denied(`/, Sys.Modify for modifying tag '${wrong}'`);
}

function tagsIn(text: string): string[] {
  return text.split(/[,;\s]+/).filter((tag) => tag !== '');
}

function isFree(state: State, call: Call, tag: string): boolean {
  const registered = tagsIn(state.options.get('registered-tags') ?? '');
  if (registered.includes(tag)) return false;
  const policy = state.options.get('user-tag-access') ?? '';
  const allow = /user-allow=([a-z]+)/.exec(policy)?.[1] ?? 'free';
  const list = tagsIn(/user-allow-list=([^,]*)/.exec(policy)?.[1] ?? '');
  if (allow === 'free') return true;
  if (allow !== 'none' && list.includes(tag)) return true;
  const seen = [...state.vms.values()].filter(({ vmid }) =>
    may(call.state, call.caller, `/vms/${vmid}`, ['VM.Audit']),
  );
  return (
    allow === 'existing' && seen.some((vm) => tagsIn(vm.config.get('tags') ?? '').includes(tag))
  );
}

/** Sorted, without doubles, in lower case unless the cluster keeps the case. */
export function tidyTags(state: State, text: string): string {
  const style = state.options.get('tag-style') ?? '';
  const cased = style.includes('case-sensitive=1') ? text : text.toLowerCase();
  return [...new Set(tagsIn(cased))].sort().join(';');
}
