import type { Call } from './call.ts';
import { parseDrive } from './drives.ts';
import { badParameters, die } from './errors.ts';
import { splitList } from './formats.ts';
import { withPending } from './machines.ts';
import type { Config, State, Vm } from './state.ts';
import { findVolume, needVolume } from './storage.ts';
import type { Params } from './verify.ts';

export interface Change {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
  readonly revert: readonly string[];
  readonly force: boolean;
}

/** Some options are Proxmox's own: they can be removed, but not set. */
function exists({ api }: State, option: string): boolean {
  return (
    option in api.config ||
    /^(meta|parent|snaptime|vmstate|runningmachine|runningcpu)$/.test(option)
  );
}

/** Checks the request as a whole; nothing has been touched when it is refused. */
export function changeOf(call: Call, params: Params): Change {
  const { state } = call;
  const {
    node: _node,
    vmid: _vmid,
    digest: _digest,
    delete: removed,
    revert,
    force,
    ...rest
  } = params;
  const { skiplock, background_delay: _delay, 'import-working-storage': _working, ...set } = rest;
  if (skiplock !== undefined) badParameters({ skiplock: 'Only root may use this option.' });
  const change = {
    set,
    remove: splitList(removed ?? '').map((option) => (option === 'cdrom' ? 'ide2' : option)),
    revert: splitList(revert ?? ''),
    force: force === '1',
  };
  if (change.remove.length + change.revert.length + Object.keys(set).length === 0) {
    die('no options specified');
  }
  for (const option of change.revert) {
    if (!exists(state, option)) badParameters({ revert: `unknown option '${option}'` });
  }
  for (const option of change.remove) {
    if (set[option] !== undefined) {
      badParameters({
        delete: `you can't use '-${option}' and -delete ${option}' at the same time`,
      });
    }
    if (!exists(state, option)) badParameters({ delete: `unknown option '${option}'` });
  }
  return change;
}

/** A text that is no URL encoding stays as it is. */
function unescaped(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Keys come URL-encoded, one a line, and have to be keys. */
export function checkKeys(keys: string | undefined): void {
  const lines = unescaped(keys ?? '').split('\n');
  const key = /^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/]+=*( .*)?$/;
  const wrong = lines.some((line) => line.trim() !== '' && !key.test(line.trim()));
  if (wrong) die('SSH public key validation error');
}

export function checkHookScript(
  { state, node }: Call,
  set: Readonly<Record<string, string>>,
): void {
  const script = set['hookscript'];
  if (script === undefined || findVolume(state, script, node.name) !== undefined) return;
  badParameters({ hookscript: `script '${script}' does not exist\n` });
}

export function checkBalloon(vm: Vm, set: Readonly<Record<string, string>>): void {
  const config = withPending(vm);
  const memory = Number(set['memory'] ?? config.get('memory') ?? 512);
  const balloon = Number(set['balloon'] ?? config.get('balloon') ?? 0);
  const asked = set['memory'] !== undefined || set['balloon'] !== undefined;
  if (asked && balloon > memory) {
    die('balloon value too large (must be smaller than assigned memory)');
  }
}

export function checkVolume({ state, node }: Call, text: string): void {
  const drive = parseDrive(text);
  const named =
    drive.file !== 'none' &&
    drive.file !== 'cdrom' &&
    !/^[^:]+:(\d+(\.\d+)?|cloudinit)$/.test(drive.file);
  if (named) needVolume(state, drive.file, node.name);
}

export function checkBoot(vm: Vm, text: string, change: Change): void {
  const config: Config = withPending(vm);
  const [, list = ''] = /^order=(.*)$/.exec(text) ?? [];
  for (const device of list.split(/[;,]/).filter((one) => one !== '')) {
    const there = config.has(device) || change.set[device] !== undefined;
    if (!there || change.remove.includes(device)) {
      die(`invalid bootorder: device '${device}' does not exist'`);
    }
  }
}
