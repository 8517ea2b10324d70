import type { GuestRecord } from '../../contract/guest-store.ts';
import { oldDays } from '../../lifecycle/network/guests.ts';
import type { Finding } from './finding.ts';
import type { Listed } from './listed.ts';

export interface GuestMoment {
  readonly extension: string;
  readonly now: Date;
  readonly instances: readonly Listed[];
}

/** Stored data whose instance is gone or was never made: no call of CloudStack tells of such an end. */
export function guestFindings(
  records: readonly GuestRecord[],
  moment: GuestMoment,
): readonly Finding[] {
  return records.flatMap((record) => {
    const instance = instanceOf(record, moment.instances);
    if (instance !== undefined && instance.state !== 'Error') return [];
    const days = Math.floor((moment.now.getTime() - record.savedAt.getTime()) / 86_400_000);
    const whose =
      instance === undefined
        ? `an instance (${record.instanceUuid ?? 'not named'}) that CloudStack does not have`
        : `${instance.name}, whose deployment failed`;
    const secret = record.password === undefined ? '' : ', with a password';
    return [
      {
        ...({ severity: 'warning', kind: 'guest-data', subject: record.nicUuid } as const),
        found: `${moment.extension} keeps the data of ${whose}${secret}, saved ${days} days ago`,
        advice: `They go when a network is destroyed: with its own one at once, with another one after ${oldDays} days`,
      },
    ];
  });
}

function instanceOf(
  { instanceUuid, nicUuid }: GuestRecord,
  instances: readonly Listed[],
): Listed | undefined {
  return instances.find(
    ({ uuid, nics = [] }) =>
      uuid === instanceUuid?.toLowerCase() || nics.some((nic) => nic.uuid === nicUuid),
  );
}
