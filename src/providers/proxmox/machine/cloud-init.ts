import type { Instance, SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import type { Config } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import { networkChange } from './addresses.ts';
import { type Change, differing, joined } from './config.ts';
import { freeIde, isCloudInit, rootDisk, tellsGuest } from './disks.ts';
import { netKeys } from './nics.ts';

/*
 * The facts about an instance that cloud-init is told. Proxmox VE writes them onto a drive at every
 * start, with an instance-id made from them: a guest whose facts have changed does the work of a first
 * boot again. So they are only written where they differ.
 */

const nothing: Change = { set: {}, remove: [] };

/** All of it for a machine that is being made, with the drive that carries it. */
export function cloudInitFor(settings: Settings, instance: SizedInstance, config: Config): Change {
  if (settings.cloud_init === 'off') return nothing;
  return joined(
    forFirstBoot(settings, instance, config),
    networkChange(settings, instance.nics, config),
  );
}

/**
 * Key, addresses and name servers as the payload of a start says them. A machine without a drive is
 * left alone: a guest that suddenly finds one does the work of a first boot again.
 */
export function cloudInitAtStart(
  settings: Settings,
  instance: SizedInstance,
  config: Config,
): Change {
  if (settings.cloud_init === 'off' || !hasDrive(config)) return nothing;
  return joined(keyChange(instance, config), networkChange(settings, instance.nics, config));
}

/**
 * Drive, user, files and key for a root disk that has never booted. A custom action's payload names no
 * NICs: their addresses are those that the last start has brought.
 */
export function cloudInitForNewDisk(
  settings: Settings,
  instance: Instance,
  config: Config,
): Change {
  const { cloud_init: kind } = settings;
  if (kind === 'off') return nothing;
  const nets = kind === 'dhcp' ? netKeys(config) : [];
  const asking = nets.map((key) => [key.replace('net', 'ipconfig'), 'ip=dhcp']);
  return joined(
    forFirstBoot(settings, instance, config),
    differing(config, Object.fromEntries(asking)),
  );
}

function forFirstBoot(settings: Settings, instance: Instance, config: Config): Change {
  const { cloud_init_user, cloud_init_snippets } = settings;
  const operators = differing(config, {
    ...driveFor(config),
    ...(cloud_init_user === undefined ? {} : { ciuser: cloud_init_user }),
    ...(cloud_init_snippets === undefined ? {} : { cicustom: cloud_init_snippets }),
  });
  return joined(operators, keyChange(instance, config));
}

function hasDrive(config: Config): boolean {
  return Object.values(config).some(isCloudInit);
}

/** Templates mostly bring one; else a free place on the IDE bus gets it. */
function driveFor(config: Config): Readonly<Record<string, string>> {
  if (Object.values(config).some(tellsGuest)) return {};
  const place = freeIde(config);
  const storage = rootDisk(config)?.storage;
  return place === undefined || storage === undefined ? {} : { [place]: `${storage}:cloudinit` };
}

// ---- the key ----

/** Without a key of the instance, the template's stays. */
function keyChange({ sshPublicKey }: Instance, config: Config): Change {
  const key = sshPublicKey?.trim() ?? '';
  if (key === '' || decoded(config['sshkeys']) === key) return nothing;
  for (const line of key.split('\n')) refuseUnreadable(line.trim());
  // Encoded here once, and once more with the form: the API wants it so.
  return { set: { sshkeys: encodeURIComponent(key) }, remove: [] };
}

/** As OpenSSH reads it: the type stands before the key and inside it. */
function refuseUnreadable(line: string): void {
  if (line === '') return;
  const [, type = '', code = ''] = /^([a-z0-9@.-]+) ([A-Za-z0-9+/]+=*)( |$)/.exec(line) ?? [];
  const bytes = Buffer.from(code, 'base64');
  const length = bytes.length < 4 ? 0 : bytes.readUInt32BE(0);
  if (type !== '' && bytes.toString('latin1', 4, 4 + length) === type) return;
  const sentence = 'The SSH key of the instance is none that OpenSSH can read';
  throw new Failure('usage', sentence, {
    advice:
      'Register the key in CloudStack again, as one line of the form "ssh-ed25519 AAAA... name"',
    tenant: sentence,
  });
}

function decoded(keys = ''): string | undefined {
  try {
    return decodeURIComponent(keys).trim();
  } catch {
    return undefined;
  }
}
