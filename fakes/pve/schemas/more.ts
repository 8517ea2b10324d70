import type { Property, StoredMethod } from '../schema.ts';

/*
 * Methods a client of VMs meets beside those in the two JSON files: written down from what the
 * recorded servers accept.
 */

const node: Property = { type: 'string', format: 'pve-node' };
const storage: Property = { type: 'string', format: 'pve-storage-id' };
const userid: Property = { type: 'string', maxLength: 64 };
const tokenid: Property = { type: 'string', pattern: '[A-Za-z][A-Za-z0-9\\.\\-_]+' };
const text: Property = { type: 'string', optional: 1 };
const flag: Property = { type: 'boolean', optional: 1 };
const whole: Property = { type: 'integer', minimum: 0, optional: 1 };

const open = (parameters: StoredMethod['parameters'] = {}): StoredMethod => ({
  user: 'all',
  parameters,
});
const onNode = (parameters: StoredMethod['parameters'] = {}, extra: object = {}): StoredMethod => ({
  ...{ user: 'all', proxyto: 'node' },
  ...extra,
  parameters: { node, ...parameters },
});
const onContainer: StoredMethod = {
  ...{ check: ['perm', '/vms/{vmid}', ['VM.Audit']], proxyto: 'node' },
  parameters: { node, vmid: { type: 'integer', minimum: 100, maximum: 999_999_999 } },
};
const modify: StoredMethod['check'] = ['userid-group', ['User.Modify']];
const token: StoredMethod['check'] = ['or', ['userid-param', 'self'], modify];

export const more: Readonly<Record<string, Readonly<Record<string, StoredMethod>>>> = {
  '/access': { GET: open() },
  '/access/users': {
    GET: open({ enabled: flag, full: flag }),
    POST: {
      ...{ check: ['perm', '/access/groups', ['User.Modify']], protected: 1 },
      parameters: {
        ...{ userid, comment: text, email: text, enable: flag, expire: whole, groups: text },
        password: { type: 'string', minLength: 8, maxLength: 64, optional: 1 },
      },
    },
  },
  '/access/users/{userid}': {
    GET: { check: modify, parameters: { userid } },
    DELETE: { check: modify, protected: 1, parameters: { userid } },
  },
  '/access/users/{userid}/token': { GET: { check: token, parameters: { userid } } },
  '/access/users/{userid}/token/{tokenid}': {
    GET: { check: token, parameters: { userid, tokenid } },
    POST: {
      ...{ check: token, protected: 1 },
      parameters: { userid, tokenid, comment: text, expire: whole, privsep: flag },
    },
    DELETE: { check: token, protected: 1, parameters: { userid, tokenid } },
  },
  '/access/roles': { GET: open() },
  '/access/domains': { GET: { user: 'world', parameters: {} } },
  '/access/acl': {
    GET: open(),
    PUT: {
      ...{ check: ['perm', '/access', ['Permissions.Modify']], protected: 1 },
      parameters: {
        path: { type: 'string' },
        roles: { type: 'string' },
        ...{ users: text, groups: text, tokens: text, propagate: flag, delete: flag },
      },
    },
  },
  '/cluster/options': { GET: open() },
  '/cluster/log': { GET: open({ max: { type: 'integer', minimum: 1, optional: 1 } }) },
  '/cluster/ha/status/current': {
    GET: { check: ['perm', '/', ['Sys.Audit']], parameters: {} },
  },
  '/cluster/replication': { GET: open() },
  '/nodes/{node}/lxc/{vmid}/pending': { GET: onContainer },
  '/nodes/{node}/lxc/{vmid}/snapshot': { GET: onContainer },
  '/nodes/{node}': { GET: onNode() },
  '/nodes/{node}/time': {
    GET: {
      ...{ check: ['perm', '/nodes/{node}', ['Sys.Audit']], proxyto: 'node' },
      parameters: { node },
    },
  },
  '/nodes/{node}/certificates/info': { GET: onNode({}, { protected: 1 }) },
  '/nodes/{node}/capabilities/qemu/machines': { GET: onNode() },
  '/nodes/{node}/network/{iface}': {
    GET: onNode(
      { iface: { type: 'string', minLength: 2, maxLength: 20 } },
      { user: undefined, check: ['perm', '/nodes/{node}', ['Sys.Audit']] },
    ),
  },
  '/nodes/{node}/vzdump/extractconfig': {
    GET: onNode({ volume: { type: 'string' } }, { protected: 1 }),
  },
  '/nodes/{node}/storage/{storage}/upload': {
    POST: onNode(
      {
        ...{ storage, content: { type: 'string', optional: 1 }, filename: { type: 'string' } },
        'checksum-algorithm': { type: 'string', optional: 1 },
        checksum: { type: 'string', optional: 1 },
      },
      { user: undefined, check: ['perm', '/storage/{storage}', ['Datastore.AllocateTemplate']] },
    ),
  },
  '/nodes/{node}/storage/{storage}/download-url': {
    POST: onNode(
      {
        ...{
          storage,
          content: { type: 'string' },
          url: { type: 'string', pattern: 'https?://.*' },
        },
        filename: { type: 'string', maxLength: 255 },
        'verify-certificates': flag,
      },
      { user: undefined, check: ['perm', '/storage/{storage}', ['Datastore.AllocateTemplate']] },
    ),
  },
};
