import type { SizedInstance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { guestData } from '../../../guest/sources.ts';
import type { Machine, Seed } from '../api/machine.ts';
import { networkFiles } from '../network/networks.ts';
import type { Session } from './session.ts';

/** As real systems do, a machine is not switched on while one of its networks is not there. */
export function checkNetworks(session: Session, { nics }: SizedInstance): void {
  const named = nics.flatMap(({ deviceId, segment }) =>
    segment.kind === 'named' ? [{ deviceId, name: segment.name }] : [],
  );
  if (named.length === 0) return;
  const there = networkFiles(session).names();
  const missing = named.find(({ name }) => !there.includes(name));
  if (missing === undefined) return;
  const { deviceId, name } = missing;
  throw new Failure('config', `NIC ${deviceId} is on the network ${name}, which is not there`, {
    advice: 'Restart the network in CloudStack, which makes it again',
  });
}

/** The data for the guest, as they lie beside its disk; none where CloudStack said nothing. */
export function seedOf(instance: SizedInstance): Pick<Machine, 'seed'> {
  if (instance.guest === undefined) return {};
  const { instanceId, hostname, publicKeys, userData, password } = guestData({ instance });
  const seed: Seed = {
    ...{ instanceId, hostname, publicKeys },
    ...(userData === undefined ? {} : { userData: userData.toString('base64') }),
    ...(password === undefined ? {} : { password }),
  };
  return { seed };
}
