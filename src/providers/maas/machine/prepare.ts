import type { Preparation } from '../../../contract/driver.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import type { Machine } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { pinOf } from './allocate.ts';
import { claim } from './claim.ts';
import { consoleOf } from './console.ts';
import { findForChange } from './find.ts';
import { hostnameOf } from './hostname.ts';
import { matchInterfaces } from './interfaces.ts';
import type { Rig } from './session.ts';
import { settle } from './settle.ts';

/** Claims the machine, so that no other instance gets it, and says what CloudStack should know. */
export async function prepare(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
): Promise<Preparation> {
  const pin = pinOf(rig, instance, blueprint);
  const found = await findForChange(rig, instance);
  if (found.kind === 'built') return preparation(rig, instance, found.machine, pin);
  const kept = found.kind === 'claims' ? await settle(rig, instance, found.claims) : undefined;
  const machine = kept ?? (await claim(rig, instance, blueprint));
  const hostname = hostnameOf(rig, instance, machine, blueprint);
  return preparation(rig, instance, { ...machine, hostname }, pin);
}

function preparation(
  rig: Rig,
  instance: SizedInstance,
  machine: Machine,
  pin: string | undefined,
): Preparation {
  const { system_id, hostname } = machine;
  const matches = matchInterfaces(machine, instance, rig.settings);
  const [first] = matches;
  return {
    details: {
      'External:maas_system_id': system_id,
      ...(pin === undefined ? { 'External:maas_chosen': system_id } : {}),
      'External:hostname': hostname,
      'External:console_url': consoleOf(rig, instance, machine),
      ...(first === undefined ? {} : { 'External:mac_address': first.mac }),
    },
    nics: matches.map(({ nicUuid, mac, ip }) => ({
      uuid: nicUuid,
      mac,
      ...(ip === undefined || !rig.settings.hand_back_addresses ? {} : { ipv4: ip }),
    })),
  };
}
