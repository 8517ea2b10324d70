import type { Driver } from '../contract/driver.ts';
import type { SizedInstance } from '../contract/instance.ts';
import { Failure } from '../failure.ts';

type Abilities = Pick<Driver, 'takesLinksDown' | 'tellsGuests'>;

/** Fails where CloudStack wants an instance that the driver cannot make so, rather than leave a part out. */
export function checkNew(driver: Abilities, instance: SizedInstance): void {
  checkLinks(driver, instance);
  if (driver.tellsGuests !== true) refuseGuestData(instance);
}

/** For a start, which user data that no guest gets are no reason to refuse. */
export function checkLinks({ takesLinksDown }: Abilities, instance: SizedInstance): void {
  if (takesLinksDown !== true) refuseDisabled(instance);
}

function refuseDisabled({ nics, name }: SizedInstance): void {
  const down = nics.find(({ linkDown }) => linkDown === true);
  if (down === undefined) return;
  throw new Failure('unsupported', `NIC ${down.deviceId} of ${name} is disabled in CloudStack`, {
    advice: 'Enable or remove it: its link cannot be taken down here, and it is not left up',
    tenant: `NIC ${down.deviceId} is disabled, which this host cannot do`,
  });
}

/** CloudStack's facts alone, such as the hostname, come for every instance and may be left out. */
function refuseGuestData({ guest, name }: SizedInstance): void {
  if (guest?.userData === undefined && guest?.password === undefined) return;
  const given = guest.userData === undefined ? 'A password' : 'User data';
  throw new Failure('unsupported', `${given} of ${name} cannot be handed to its guest`, {
    advice: 'This provider tells guests nothing: deploy without user data, and without a password',
    tenant: `${given} cannot be handed to instances on this host`,
  });
}
