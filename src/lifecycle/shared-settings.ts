import * as v from 'valibot';
import type { Policy } from '../contract/driver.ts';
import { consoleAddress } from '../kit/console-address.ts';
import { list, longText, oneOf, patterns, text, wholeNumber, yesNo } from '../kit/fields.ts';
import type { Tls } from '../kit/http/tls.ts';

/*
 * The settings, blueprint details and parameters that mean the same for every provider that has the
 * thing, so that an operator meets one wording, one default and one bound. A provider picks what it
 * has: `settings: { grace_seconds: graceSeconds, ... }`, under the key that is the name in small letters.
 */

// ---- the way to the remote system ---------------------------------------------------------------

export const verifyTlsCertificate = {
  about: 'Whether the certificate of the remote system is checked',
  schema: yesNo,
  default: 'true',
} as const;

export const tlsFingerprint = {
  about: 'SHA-256 fingerprints of the certificates to accept, instead of any authority',
  schema: list({
    most: 16,
    pattern: /^([0-9a-f]{2}:){31}[0-9a-f]{2}$|^[0-9a-f]{64}$/i,
    wants: 'SHA-256 fingerprints (64 hexadecimal digits, with or without colons)',
  }),
  example:
    '9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08',
} as const;

export const caFile = {
  about: 'File in the secrets directory with the certificate authorities to trust (PEM)',
  schema: () =>
    v.pipe(
      longText(1_000_000)(),
      v.check(
        (pem) => pem.includes('-----BEGIN CERTIFICATE-----'),
        'must name a file with certificates in PEM form',
      ),
    ),
  file: true,
  example: 'remote-ca.pem',
} as const;

/** How the server's certificate is checked, as a client of kit/http wants it. */
export function tlsOf(settings: {
  readonly verify_tls_certificate: boolean;
  readonly tls_fingerprint?: readonly string[] | undefined;
  readonly ca_file?: string | undefined;
}): Tls {
  const { verify_tls_certificate: verify, tls_fingerprint: fingerprints = [], ca_file } = settings;
  return { verify, fingerprints, ...(ca_file === undefined ? {} : { ca: ca_file }) };
}

// ---- what instances may choose ------------------------------------------------------------------

export const allowedTemplates = {
  about: 'Patterns of the templates that instances may be made from; unset: every real template',
  schema: patterns,
  example: '9000,debian-*',
} as const;

export const allowedIsos = {
  about: 'Patterns of the ISO images that instances may boot from; unset: every one',
  schema: patterns,
  example: 'local:iso/*',
} as const;

export const allowedStorages = {
  about: 'Patterns of the storages that instances may choose; unset: every one',
  schema: patterns,
  example: 'ceph-*',
} as const;

export const maxDiskGb = {
  about: 'The largest disk that an instance may ask for; unset: what the storage takes',
  schema: wholeNumber({ min: 1, max: 65_536 }),
  unit: 'GiB',
  example: '500',
} as const;

export const maxDisks = {
  about: 'How many data disks an instance may have, detached ones included; 0 forbids them',
  schema: wholeNumber({ min: 0, max: 30 }),
  default: '8',
} as const;

export const deleteDetachedDisks = {
  about:
    'Whether deleting an instance deletes its detached disks too; else it is refused while there are any',
  schema: yesNo,
  default: 'true',
} as const;

export const maxUserData = {
  about:
    'How long the detail user_data of an instance may be; 0 leaves it to operators, and to the user data that CloudStack itself sends',
  schema: wholeNumber({ min: 0, max: 32_768 }),
  default: '32768',
  unit: 'characters',
} as const;

export const maxSnapshots = {
  about: 'How many snapshots an instance may have; 0 forbids them',
  schema: wholeNumber({ min: 0, max: 100 }),
  default: '10',
} as const;

export const snapshotMemory = {
  about: 'Whether snapshots may save the memory of a running instance',
  schema: yesNo,
  default: 'false',
} as const;

// ---- how instances are handled ------------------------------------------------------------------

export const graceSeconds = {
  about:
    'How long a guest may take to shut down before its power is cut, also when its instance is being destroyed: CloudStack does not tell these stops apart',
  schema: wholeNumber({ min: 0, max: 60 }),
  default: '30',
  unit: 's',
} as const;

export const adoptUnmarked = {
  about:
    'Whether a machine without a mark is taken over when its name and the stored id both fit, as after the built-in extensions',
  schema: yesNo,
  default: 'false',
} as const;

export const deleteAdopted = {
  about:
    'Whether deleting an instance deletes a machine that was taken over; else it is kept, stopped',
  schema: yesNo,
  default: 'false',
} as const;

/** Names of nodes as remote systems allow them. */
const nodeName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export const node = {
  about: 'The node on which this host makes its instances',
  schema: text({ most: 63, pattern: nodeName, wants: 'the name of a node' }),
  example: 'node1',
} as const;

export const nodes = {
  about: 'The nodes whose instances this host reports; unset: its own node',
  schema: list({ most: 64, pattern: nodeName, wants: 'names of nodes' }),
  example: 'node1,node2',
} as const;

export const otherNodes = {
  about: 'The nodes whose instances other hosts report; this host leaves them alone',
  schema: list({ most: 256, pattern: nodeName, wants: 'names of nodes' }),
  example: 'node3,node4',
} as const;

const address = consoleAddress('name', 'uuid');

export const consoleUrl = {
  about: "Address of an instance's console; {name} and {uuid} stand for the instance's own",
  schema: address.schema,
  example: 'https://console.example.org/view/{uuid}',
} as const;

export const consoleButton = {
  about:
    'Whether the Console button opens console_url at once, without a console proxy: prepare stores the address as a detail of the instance, which `administrators` have to themselves, or `everyone` sees and a tenant may rewrite',
  schema: oneOf('off', 'administrators', 'everyone'),
  default: 'off',
} as const;

/** The instance's detail that CloudStack's user interface opens. */
export const consoleDetail = 'External:console_url';

/** Fills an instance into a console address that passed `consoleUrl`. */
export const fillConsoleUrl = address.fill;

// ---- what is built ------------------------------------------------------------------------------

export const templateId = {
  about: 'The template that the instance is made from',
  schema: text({ most: 200 }),
  within: 'allowed_templates',
} as const;

export const isoPath = {
  about: 'The ISO image that the instance boots from',
  schema: text({ most: 500 }),
  within: 'allowed_isos',
} as const;

export const storage = {
  about: "The storage that holds the instance's disk",
  schema: text({ most: 200 }),
  within: 'allowed_storages',
} as const;

export const diskSizeGb = {
  about: "The size of the instance's disk; unset: the template's",
  schema: wholeNumber({ min: 1, max: 65_536 }),
  unit: 'GiB',
  within: 'max_disk_gb',
} as const;

export const secureBoot = {
  about: 'Whether the firmware only starts signed systems',
  schema: yesNo,
} as const;

export const userData = {
  about: 'What cloud-init shall do at the first boot',
  schema: longText(32_768),
  within: 'max_user_data',
} as const;

export const guestSystem = {
  about:
    'The kind of system in the guest, which decides the form of its data; unset: windows where CloudStack says so, else linux',
  schema: oneOf('linux', 'windows'),
} as const;

/** Told to every guest of the host; the tenant's own data come before it. */
export const vendorData = {
  about:
    "File in the secrets directory with vendor data for cloud-init, such as an operator's #cloud-config; the tenant's own data come before it",
  schema: longText(65_536),
  file: true,
  example: 'vendor.yaml',
} as const;

// ---- what custom actions are told ---------------------------------------------------------------

export const snapName = {
  type: 'STRING',
  about: 'A letter, then letters, digits, _ and -',
  schema: text({
    most: 40,
    pattern: /^[A-Za-z][A-Za-z0-9_-]+$/,
    wants: '2 to 40 characters: a letter, then letters, digits, "_" and "-"',
  }),
  required: true,
  example: 'before-upgrade',
  title: 'Snapshot name',
} as const;

export const snapDescription = {
  type: 'STRING',
  about: 'A few words',
  schema: text({ most: 200 }),
  title: 'Snapshot description',
} as const;

export const snapSaveMemory = {
  type: 'BOOLEAN',
  about: 'The memory too, while it runs and where that is allowed',
  schema: yesNo,
  default: 'false',
  title: 'Save memory',
} as const;

// ---- what the lifecycle reads -------------------------------------------------------------------

/** The rules' settings as the lifecycle wants them; a provider without one of them has its default. */
export function policyOf(settings: {
  readonly adopt_unmarked?: boolean;
  readonly delete_adopted?: boolean;
  readonly grace_seconds?: number;
  readonly nodes?: readonly string[] | undefined;
  readonly other_nodes?: readonly string[] | undefined;
  readonly max_snapshots?: number;
  readonly snapshot_memory?: boolean;
  readonly max_disks?: number;
  readonly max_disk_gb?: number | undefined;
  readonly allowed_storages?: readonly string[] | undefined;
  readonly delete_detached_disks?: boolean;
  readonly console_url?: string | undefined;
  readonly console_button?: 'off' | 'administrators' | 'everyone';
}): Policy {
  const { console_url: address, console_button: button = 'off' } = settings;
  return {
    adoptUnmarked: settings.adopt_unmarked,
    deleteAdopted: settings.delete_adopted ?? false,
    graceSeconds: settings.grace_seconds ?? 30,
    nodes: settings.nodes,
    otherNodes: settings.other_nodes,
    maxSnapshots: settings.max_snapshots ?? 10,
    snapshotMemory: settings.snapshot_memory ?? false,
    maxDisks: settings.max_disks ?? 0,
    maxDiskGb: settings.max_disk_gb,
    allowedStorages: settings.allowed_storages,
    deleteDetachedDisks: settings.delete_detached_disks ?? true,
    ...(address === undefined || button === 'off' ? {} : { consoleButton: address }),
  };
}
