import { randomUUID } from 'node:crypto';
import { login } from './auth.ts';
import type { Call, Routes } from './call.ts';
import { badParameters, die } from './errors.ts';
import { splitList } from './formats.ts';
import { type Caller, grantedAt, may } from './rights.ts';
import { builtInRoles } from './roles.ts';
import type { State, Token, User } from './state.ts';

const token = '/access/users/{userid}/token/{tokenid}';

export const accessRoutes: Routes = {
  'GET /access': () =>
    ['users', 'groups', 'roles', 'acl', 'domains', 'ticket', 'password'].map((subdir) => ({
      subdir,
    })),
  'POST /access/ticket': ({ state, params }) => {
    const { username = '', password = '' } = params;
    const user = username.includes('@') ? username : `${username}@${params['realm'] ?? ''}`;
    return { username: user, clustername: state.name, cap: {}, ...login(state, user, password) };
  },
  'GET /access/permissions': permissions,
  'GET /access/users': ({ state, caller, params }) =>
    [...state.users.values()]
      .filter(
        ({ id }) =>
          id === caller.user ||
          may(state, caller, '/access/groups', ['User.Modify', 'Sys.Audit'], true),
      )
      .filter(
        () =>
          may(state, caller, '/access/groups', ['User.Modify', 'Sys.Audit'], true) ||
          caller.token === undefined,
      )
      .map((one) => shownUser(state, one, params['full'] === '1')),
  'POST /access/users': ({ state, params }) => {
    const { userid = '', password } = params;
    if (state.users.has(userid)) die(`create user failed: user '${userid}' already exists`);
    const expire = Number(params['expire'] ?? 0);
    state.users.set(userid, {
      id: userid,
      enabled: params['enable'] !== '0',
      expire,
      ...(password === undefined ? {} : { password }),
    });
  },
  'GET /access/users/{userid}': ({ state, params }) => {
    const user =
      state.users.get(params['userid'] ?? '') ?? die(`no such user ('${params['userid']}')`);
    const own = [...state.tokens.values()].filter(({ id }) => id.startsWith(`${user.id}!`));
    const tokens = Object.fromEntries(own.map((one) => [one.id.split('!')[1], infoOf(one)]));
    return { enable: user.enabled ? 1 : 0, expire: user.expire, tokens, groups: [] };
  },
  'DELETE /access/users/{userid}': ({ state, params }) => {
    const { userid = '' } = params;
    if (!state.users.delete(userid)) die(`no such user ('${userid}')`);
    for (const id of state.tokens.keys()) if (id.startsWith(`${userid}!`)) state.tokens.delete(id);
    state.acl = state.acl.filter(({ who }) => who.split('!')[0] !== userid);
  },
  'GET /access/users/{userid}/token': ({ state, params }) =>
    [...state.tokens.values()]
      .filter(({ id }) => id.startsWith(`${params['userid']}!`))
      .map((one) => ({ tokenid: one.id.split('!')[1], ...infoOf(one) })),
  [`GET ${token}`]: (call) => infoOf(need(call)),
  [`POST ${token}`]: ({ state, params }) => {
    const id = `${params['userid']}!${params['tokenid']}`;
    if (state.tokens.has(id)) badParameters({ tokenid: 'Token already exists.' });
    const made: Token = {
      ...{ id, secret: randomUUID(), expire: Number(params['expire'] ?? 0) },
      privsep: params['privsep'] !== '0',
    };
    state.tokens.set(id, made);
    return { 'full-tokenid': id, value: made.secret, info: { privsep: made.privsep ? '1' : '0' } };
  },
  [`DELETE ${token}`]: (call) => void call.state.tokens.delete(need(call).id),
  'GET /access/roles': ({ state }) => {
    const special = builtInRoles(state.version);
    return [...state.roles].map(([roleid, names]) => ({
      ...{ roleid, privs: [...names].join(','), special: special.has(roleid) ? 1 : 0 },
    }));
  },
  'GET /access/domains': () => [
    { realm: 'pam', type: 'pam', comment: 'Linux PAM standard authentication' },
    { realm: 'pve', type: 'pve', comment: 'Proxmox VE authentication server' },
  ],
  'GET /access/acl': ({ state, caller }) =>
    may(state, caller, '/access', ['Sys.Audit'])
      ? state.acl.map(({ path, role, who, propagate }) => ({
          ...{ path, roleid: role, ugid: who, type: who.includes('!') ? 'token' : 'user' },
          propagate: propagate ? 1 : 0,
        }))
      : [],
  'PUT /access/acl': ({ state, params }) => {
    const { path = '', roles = '', users = '', tokens = '' } = params;
    for (const role of splitList(roles)) {
      if (!state.roles.has(role)) die(`ACL update failed: role '${role}' does not exist`);
      for (const who of [...splitList(users), ...splitList(tokens)]) {
        state.acl = state.acl.filter(
          (one) => !(one.path === path && one.who === who && one.role === role),
        );
        if (params['delete'] !== '1') {
          state.acl = [...state.acl, { path, role, who, propagate: params['propagate'] !== '0' }];
        }
      }
    }
  },
};

function need({ state, params }: Call): Token {
  return (
    state.tokens.get(`${params['userid']}!${params['tokenid']}`) ??
    die(`no such token '${params['tokenid']}' for user '${params['userid']}'`)
  );
}

function shownUser(state: State, { id, enabled, expire }: User, full: boolean): object {
  const own = [...state.tokens.values()].filter((one) => one.id.startsWith(`${id}!`));
  const tokens = own.map((one) => ({ tokenid: one.id.split('!')[1], ...infoOf(one) }));
  return {
    ...{ userid: id, enable: enabled ? 1 : 0, expire, 'realm-type': id.split('@')[1] },
    ...(full ? { groups: '', tokens } : {}),
  };
}

function infoOf({ expire, privsep, comment }: Token): object {
  return { expire, privsep: privsep ? 1 : 0, ...(comment === undefined ? {} : { comment }) };
}

const usual = ['/', '/access', '/access/groups', '/nodes', '/pool', '/sdn', '/storage', '/vms'];

/** Each path with what the caller may do there; 1 when it reaches further down. */
function permissions({ state, caller, params }: Call): object {
  const { path, userid } = params;
  const who: Caller = userid === undefined ? caller : callerOf(state, userid);
  const shown = (place: string): Record<string, number> =>
    Object.fromEntries(
      [...grantedAt(state, who, place)].map(([name, deep]) => [name, deep ? 1 : 0]),
    );
  if (path !== undefined) return { [path]: shown(path) };
  const members = [...state.pools].flatMap(([, pool]) => [
    ...[...pool.vms].map((vmid) => `/vms/${vmid}`),
    ...[...pool.storages].map((id) => `/storage/${id}`),
  ]);
  const places = [...new Set([...usual, ...state.acl.map((entry) => entry.path), ...members])];
  const all = places.map((place) => [place, shown(place)] as const);
  return Object.fromEntries(all.filter(([, names]) => Object.keys(names).length > 0));
}

function callerOf(state: State, id: string): Caller {
  const found = state.tokens.get(id);
  const user = id.split('!')[0] ?? id;
  return found === undefined ? { id, user } : { id, user, token: found };
}
