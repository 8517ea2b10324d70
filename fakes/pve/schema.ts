import { more } from './schemas/more.ts';
import pve84 from './schemas/pve-8.4.json';
import pve91 from './schemas/pve-9.1.json';
import { sdnMethods } from './schemas/sdn.ts';

/** One parameter as Proxmox describes it. */
export interface Property {
  readonly type?: string;
  readonly optional?: number;
  readonly minimum?: number | string;
  readonly maximum?: number | string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  /** The name of a format, or the parts of a comma-separated list. */
  readonly format?: string | Readonly<Record<string, Property>>;
  readonly default_key?: number;
  readonly alias?: string;
  readonly keyAlias?: string;
  readonly items?: Property;
}

/** A check as the API declares it: `['perm', path, privileges, 'any', 1]`, `['and', …]`. */
export type Check = readonly unknown[];

export interface Method {
  readonly template: string;
  readonly method: string;
  readonly parameters: Readonly<Record<string, Property>>;
  readonly check?: Check;
  readonly user?: string;
  /** Served by pvedaemon behind pveproxy. */
  readonly protected: boolean;
  readonly proxied: boolean;
}

export interface Found {
  readonly method: Method;
  readonly fromPath: Readonly<Record<string, string>>;
}

export interface Api {
  /** The method behind a decoded path without `/api2/json`. */
  find(method: string, path: string): Found | undefined;
  /** The options that a VM's configuration may hold. */
  readonly config: Readonly<Record<string, Property>>;
}

/** As the files hold it: parameters name their type by its place in `types`. */
interface Stored {
  readonly types: readonly Property[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, StoredMethod>>>>;
}

export interface StoredMethod {
  readonly check?: Check;
  readonly user?: string;
  readonly protected?: number;
  readonly proxyto?: string;
  readonly parameters: Readonly<Record<string, number | Property>>;
}

const stored: Record<string, unknown> = { '8.4': pve84, '9.1': pve91 };
const loaded = new Map<string, Api>();

/** The API of one version; read once. */
export function loadApi(version: '8.4' | '9.1'): Api {
  const api =
    loaded.get(version) ??
    createApi(stored[version] as Stored, { ...more, ...sdnMethods(version) });
  loaded.set(version, api);
  return api;
}

type Written = Stored['paths'];

function createApi({ types, paths }: Stored, written: Written): Api {
  const methods = Object.entries({ ...written, ...paths, ...joined(written, paths) }).flatMap(
    ([template, all]) =>
      Object.entries(all).map(([method, info]) => methodOf(types, template, method, info)),
  );
  const routes = methods.map((method) => ({ method, pattern: patternOf(method.template) }));
  // A literal segment wins over a placeholder, as in `/pools/{poolid}` and its kind.
  routes.sort((a, b) => a.pattern.rank - b.pattern.rank);
  const config = methods.find(
    ({ template, method }) => method === 'PUT' && template === '/nodes/{node}/qemu/{vmid}/config',
  );
  return {
    config: config?.parameters ?? {},
    find(method, path) {
      for (const route of routes) {
        if (route.method.method !== method) continue;
        const match = route.pattern.regex.exec(path);
        if (match !== null) return { method: route.method, fromPath: { ...match.groups } };
      }
      return undefined;
    },
  };
}

/** Paths that both sources know, with the methods of both. */
function joined(written: Written, paths: Written): Written {
  const both = Object.keys(written).filter((path) => path in paths);
  return Object.fromEntries(both.map((path) => [path, { ...written[path], ...paths[path] }]));
}

function methodOf(
  types: readonly Property[],
  template: string,
  method: string,
  info: StoredMethod,
): Method {
  const parameters = Object.entries(info.parameters).flatMap(([name, type]) =>
    numbered(name).map((one) => [one, resolve(types, type)] as const),
  );
  return {
    template,
    method,
    parameters: Object.fromEntries(parameters),
    protected: info.protected === 1,
    proxied: info.proxyto !== undefined,
    ...(info.check === undefined ? {} : { check: info.check }),
    ...(info.user === undefined ? {} : { user: info.user }),
  };
}

function resolve(types: readonly Property[], type: number | Property): Property {
  const property = typeof type === 'number' ? types[type] : type;
  if (property === undefined) throw new Error(`the schema has no type ${String(type)}`);
  if (typeof property.format !== 'object') return property;
  const parts = Object.entries(property.format as unknown as Record<string, number>);
  const format = Object.fromEntries(parts.map(([key, part]) => [key, resolve(types, part)]));
  return { ...property, format };
}

const counts: Record<string, number> = {
  net: 32,
  scsi: 31,
  virtio: 16,
  sata: 6,
  ide: 4,
  unused: 256,
  hostpci: 16,
  ipconfig: 32,
  usb: 14,
  numa: 8,
  serial: 4,
  parallel: 3,
  virtiofs: 10,
};

/** `net[n]` stands for net0, net1, … */
function numbered(name: string): string[] {
  if (!name.endsWith('[n]')) return [name];
  const stem = name.slice(0, -3);
  return Array.from({ length: counts[stem] ?? 8 }, (_, index) => `${stem}${index}`);
}

function patternOf(template: string): { readonly regex: RegExp; readonly rank: number } {
  const segments = template.split('/').filter((segment) => segment !== '');
  const parts = segments.map((segment) => {
    const name = /^\{(.+)\}$/.exec(segment)?.[1];
    if (name === undefined) return segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return name === 'volume' ? `(?<${name}>.+)` : `(?<${name}>[^/]+)`;
  });
  const rank = segments.filter((segment) => segment.startsWith('{')).length;
  return { regex: new RegExp(`^/${parts.join('/')}$`), rank };
}
