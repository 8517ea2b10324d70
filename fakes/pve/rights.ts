import { apiError, denied } from './errors.ts';
import type { Check } from './schema.ts';
import type { State, Token } from './state.ts';
import type { Raw } from './verify.ts';

/** The caller: a user, or a user's token. */
export interface Caller {
  /** `root@pam` or `root@pam!test`, as UPIDs carry it. */
  readonly id: string;
  readonly user: string;
  readonly token?: Token;
}

/** Privileges with whether they reach further down; what a path gives to a caller. */
export type Granted = Map<string, boolean>;

/** All that a caller may do at a path, with what pools and paths above give. */
export function grantedAt(state: State, caller: Caller, path: string): Granted {
  const own = caller.token === undefined || !caller.token.privsep;
  const ofUser = forOne(state, caller.user, path);
  if (own) return ofUser;
  const ofToken = forOne(state, caller.id, path);
  return new Map([...ofToken].filter(([name]) => ofUser.has(name)));
}

export function may(
  state: State,
  caller: Caller,
  path: string,
  wanted: readonly string[],
  any = false,
): boolean {
  const granted = grantedAt(state, caller, path);
  return any ? wanted.some((name) => granted.has(name)) : wanted.every((name) => granted.has(name));
}

/** 403 with the path and the first privilege that is missing. */
export function demand(
  state: State,
  caller: Caller,
  path: string,
  wanted: readonly string[],
  any = false,
): void {
  if (path === '') denied(`, ${wanted[0]}`);
  if (any) {
    if (!may(state, caller, path, wanted, true)) denied(`${path}, ${wanted.join('|')}`);
    return;
  }
  const granted = grantedAt(state, caller, path);
  const missing = wanted.find((name) => !granted.has(name));
  if (missing !== undefined) denied(`${path}, ${missing}`);
}

/** For a VM that is to be: rights on its pool do as well. */
export function demandForVm(
  state: State,
  caller: Caller,
  vm: { readonly vmid: number; readonly pool?: string | undefined },
  wanted: readonly string[],
  any = false,
): void {
  if (vm.pool !== undefined && may(state, caller, `/pool/${vm.pool}`, wanted, any)) return;
  demand(state, caller, `/vms/${vm.vmid}`, wanted, any);
}

const ofRoot = new WeakMap<State, Granted>();

function everything(state: State): Granted {
  const all = [...(state.roles.get('Administrator') ?? [])].map((name) => [name, true] as const);
  const granted = ofRoot.get(state) ?? new Map(all);
  ofRoot.set(state, granted);
  return granted;
}

function forOne(state: State, who: string, path: string): Granted {
  if (who === 'root@pam') return everything(state);
  const granted = byPath(state, who, path);
  const pool = poolOf(state, path);
  if (pool !== undefined && !isShutOut(state, who, path)) {
    // As pve-access-control has it in its source: no access to a pool outdoes rights on its machines.
    if (isShutOut(state, who, `/pool/${pool}`)) return new Map();
    for (const [name] of byPath(state, who, `/pool/${pool}`)) {
      if (!granted.has(name)) granted.set(name, true);
    }
  }
  return granted;
}

function isShutOut({ acl }: State, who: string, path: string): boolean {
  return acl.some((entry) => entry.who === who && entry.path === path && entry.role === 'NoAccess');
}

/** The deepest entry on the way wins; several roles at one place add up. */
function byPath(state: State, who: string, path: string): Granted {
  const segments = path.split('/').filter((segment) => segment !== '');
  let granted: Granted = new Map();
  for (let depth = 0; depth <= segments.length; depth += 1) {
    const place = `/${segments.slice(0, depth).join('/')}`;
    const here = state.acl.filter(
      (entry) =>
        entry.who === who && entry.path === place && (entry.propagate || depth === segments.length),
    );
    if (here.length === 0) continue;
    granted = new Map();
    for (const { role, propagate } of here) {
      for (const name of state.roles.get(role) ?? []) granted.set(name, propagate);
    }
  }
  return granted;
}

function poolOf(state: State, path: string): string | undefined {
  const vmid = /^\/vms\/(\d+)$/.exec(path)?.[1];
  const storage = /^\/storage\/([^/]+)$/.exec(path)?.[1];
  for (const [id, pool] of state.pools) {
    if (vmid !== undefined && pool.vms.has(Number(vmid))) return id;
    if (storage !== undefined && pool.storages.has(storage)) return id;
  }
  return undefined;
}

/** The check that the API declares for a method, with the request's own parameters in its paths. */
export function checkDeclared(state: State, caller: Caller, check: Check, params: Raw): void {
  const [kind, ...rest] = check;
  if (kind === 'and') {
    for (const part of rest) checkDeclared(state, caller, part as Check, params);
    return;
  }
  if (kind === 'or') {
    if (!rest.some((part) => passes(state, caller, part as Check, params))) denied();
    return;
  }
  if (kind === 'perm') {
    const [template, wanted, option, value] = rest as [
      string,
      readonly string[],
      string?,
      unknown?,
    ];
    if (option === 'require_param' && !(String(value) in params)) denied();
    demand(state, caller, fill(template, params), wanted, option === 'any' && value === 1);
    return;
  }
  if (kind === 'userid-param') {
    if (params['userid'] !== caller.id) denied();
    return;
  }
  if (kind === 'userid-group') {
    demand(state, caller, '/access/groups', rest[0] as readonly string[], true);
    return;
  }
  throw apiError(500, `unknown permission test ${String(kind)}`);
}

function passes(state: State, caller: Caller, check: Check, params: Raw): boolean {
  try {
    checkDeclared(state, caller, check, params);
    return true;
  } catch {
    return false;
  }
}

/** A parameter that is missing stands in the path as `-`; one given twice fits no path. */
function fill(template: string, params: Raw): string {
  const names = [...template.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] ?? '');
  if (names.some((name) => Array.isArray(params[name]))) return '';
  return template.replace(/\{([^}]+)\}/g, (_, name: string) => String(params[name] ?? '-'));
}
