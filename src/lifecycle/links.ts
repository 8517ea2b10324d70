import type { Driver } from '../contract/driver.ts';
import type { SizedInstance } from '../contract/instance.ts';
import { Failure } from '../failure.ts';

/** Fails where CloudStack has disabled a NIC and the driver cannot take its link down. */
export function checkLinks({ takesLinksDown }: Driver, { nics, name }: SizedInstance): void {
  const down = nics.find(({ linkDown }) => linkDown === true);
  if (down === undefined || takesLinksDown === true) return;
  throw new Failure('unsupported', `NIC ${down.deviceId} of ${name} is disabled in CloudStack`, {
    advice: 'Enable or remove it: its link cannot be taken down here, and it is not left up',
    tenant: `NIC ${down.deviceId} is disabled, which this host cannot do`,
  });
}
