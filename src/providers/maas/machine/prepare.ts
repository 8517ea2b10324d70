import type { Found, Plan, Preparation } from '../../../contract/driver.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import type { Machine } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { pinOf } from './allocate.ts';
import { claim } from './claim.ts';
import { hostnameOf } from './hostname.ts';
import { matchInterfaces } from './interfaces.ts';
import { settle } from './make.ts';
import type { Seen } from './match.ts';
import type { Session } from './session.ts';
import { whoAmI } from './visibility.ts';

/** Claims the machine, so that no other instance gets it, and says what CloudStack should know. */
export async function prepare(
  session: Session,
  { instance, blueprint }: Plan<Blueprint>,
  { machine: built, partials }: Found<Seen>,
): Promise<Preparation> {
  const pin = pinOf(session, instance, blueprint);
  if (built !== undefined) return preparation(session, instance, built.machine, pin);
  const kept = await settle(session, instance, partials);
  const machine = kept ?? (await claim(session, instance, blueprint));
  const hostname = await hostnameToBe(session, instance, machine, blueprint.vm_name);
  return preparation(session, instance, { ...machine, hostname }, pin);
}

/** MAAS lets only administrators name machines: for every other key the machine keeps its own name. */
async function hostnameToBe(
  session: Session,
  instance: SizedInstance,
  machine: Machine,
  chosen: string | undefined,
): Promise<string> {
  const wanted = hostnameOf(session, instance, machine, chosen);
  if (wanted === machine.hostname) return wanted;
  return (await whoAmI(session)).is_superuser ? wanted : machine.hostname;
}

function preparation(
  session: Session,
  instance: SizedInstance,
  machine: Machine,
  pin: string | undefined,
): Preparation {
  const { system_id, hostname } = machine;
  const matches = matchInterfaces(machine, instance, session.settings);
  const [first] = matches;
  return {
    details: {
      'External:maas_system_id': system_id,
      ...(pin === undefined ? { 'External:maas_chosen': system_id } : {}),
      'External:hostname': hostname,
      ...(first === undefined ? {} : { 'External:mac_address': first.mac }),
    },
    nics: matches.map(({ nicUuid, mac, ip }) => ({
      uuid: nicUuid,
      mac,
      ...(ip === undefined || !session.settings.hand_back_addresses ? {} : { ipv4: ip }),
    })),
    consoleWords: { system_id, hostname },
  };
}
