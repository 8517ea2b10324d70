/*
 * The real answers of Proxmox VE: truth as 1 and 0 or left out, numbers now and then as text, and
 * lists of a thousand machines. They are read by hand, since a schema would cost a status call
 * more than the call itself.
 */

export type Json = Readonly<Record<string, unknown>>;

export function recordOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' ? String(value) : undefined;
}

export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export function flagOf(value: unknown): boolean {
  return value === 1 || value === '1' || value === true;
}

/** A machine as the cluster's list shows it: id, node, lock and pool at once, all else a little late. */
export interface Row {
  readonly vmid: number;
  readonly node: string;
  readonly status: string | undefined;
  readonly name: string | undefined;
  readonly tags: string | undefined;
  readonly lock: string | undefined;
  readonly pool: string | undefined;
  readonly template: boolean;
}

export function rowOf(value: unknown): Row | undefined {
  const row = recordOf(value);
  const vmid = numberOf(row['vmid']);
  const node = textOf(row['node']);
  if (row['type'] !== 'qemu' || vmid === undefined || node === undefined) return undefined;
  return {
    vmid,
    node,
    status: textOf(row['status']),
    name: textOf(row['name']),
    tags: textOf(row['tags']),
    lock: textOf(row['lock']),
    pool: textOf(row['pool']),
    template: flagOf(row['template']),
  };
}

/** A machine's configuration: every option as text. */
export type Config = Readonly<Record<string, string>>;

export function configOf(value: unknown): Config {
  const config: Record<string, string> = {};
  for (const [option, setting] of Object.entries(recordOf(value))) {
    if (typeof setting === 'string') config[option] = setting;
    else if (typeof setting === 'number' || typeof setting === 'boolean') {
      config[option] = String(Number(setting));
    }
  }
  return config;
}
