import { consoleDetail } from '../../lifecycle/shared-settings.ts';
import { asTexts } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import { type Actual, registrationsOf } from './actual.ts';
import { externalDetailsOf } from './hosts.ts';
import type { Wanted } from './wanted.ts';

/** The Console button that opens the operator's own address, as the details of the setup want it. */
export interface ConsoleButton {
  /** Prepare has to be called, which hands the address back. */
  readonly needsPrepare: boolean;
  /** Details that only administrators may see and change. */
  readonly reserved: readonly string[];
  readonly remarks: readonly string[];
}

export function consoleButtonOf(wanted: Wanted, actual: Actual): ConsoleButton {
  const { release, extension } = actual;
  const words = new Set(
    levelsOf(wanted, actual).map((details) => details['console_button'] ?? 'off'),
  );
  const [open, closed] = [words.has('everyone'), words.has('administrators')];
  if (!open && !closed) return { needsPrepare: false, reserved: [], remarks: [] };
  const listed = String(extension?.['reservedresourcedetails'] ?? '').split(',');
  const isReserved = closed || listed.includes(consoleDetail);
  return {
    needsPrepare: true,
    reserved: closed ? [consoleDetail] : [],
    remarks: [
      isReserved && release.reservesDetails
        ? `${consoleDetail} is reserved: only administrators have the Console button that opens console_url`
        : `${consoleDetail} is not reserved${closed ? `, which CloudStack ${release.version} cannot do` : ''}: a tenant may rewrite that of his instance, and every user who clicks its Console button opens the new address`,
    ],
  };
}

/** Also what CloudStack has already: a run without the setup file must not switch prepare off. */
function levelsOf({ details, clusters }: Wanted, actual: Actual): readonly Texts[] {
  const { extension, hosts } = actual;
  const registrations = registrationsOf(extension);
  const served = hosts.filter(({ clusterid }) => registrations.some(({ id }) => id === clusterid));
  return [
    details,
    ...clusters.flatMap((each) => [each.details, ...each.hosts.map((host) => host.details)]),
    ...[extension, ...registrations].map((each) => asTexts(each?.['details'])),
    ...served.map((host) => externalDetailsOf(host) ?? {}),
  ];
}
