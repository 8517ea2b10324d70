import type { Members } from '../json.ts';
import type { Details } from './payloads.ts';
import type { Runner } from './runner.ts';
import { plantedSecret, type SampleInstance, sampleInstance } from './sample-instance.ts';
import { pointedAt, type Stranger, unverifiedBy } from './stranger.ts';
import type { Secret } from './transcript.ts';

/** The instances and details that the calls are about. */
export interface Cast {
  readonly details: Details;
  /** Never created. */
  readonly missing: SampleInstance;
  /** Goes through its whole life. */
  readonly alive: SampleInstance;
  /** Created without prepare and in a hurry. */
  readonly hurried: SampleInstance;
  /** Never created; has a UUID of its own and the name of `alive`. */
  readonly namesake: SampleInstance;
  /** Never created; gets the details that prepare handed back for `alive`. */
  readonly borrower: SampleInstance;
  /** Parameters of the custom action that does not exist. */
  readonly parameters: Members;
  /** A custom action that does exist, if the operator has named one. */
  readonly known?: string;
}

/** Invents the instances, with secrets where CloudStack would carry some, beside the operator's. */
export function plant(
  details: Details,
  known: string | undefined,
): { cast: Cast; secrets: Secret[] } {
  const planted = { password: plantedSecret('password'), secret: plantedSecret('secret') };
  const parameter = plantedSecret('parameter');
  const alive = sampleInstance(1);
  const cast: Cast = {
    details: { ...details, host: { ...planted, ...details.host } },
    missing: sampleInstance(0),
    alive,
    hurried: sampleInstance(2),
    namesake: { ...sampleInstance(3), name: alive.name },
    borrower: sampleInstance(4),
    // A text as a tenant may write it: CloudStack's payload holds = and & as escapes.
    parameters: { conformpassword: parameter, keep: 3, memory: false, note: 'R&D = "Grün"' },
    ...(known === undefined ? {} : { known }),
  };
  return { cast, secrets: secretsOf(cast, parameter) };
}

function secretsOf(cast: Cast, parameter: string): Secret[] {
  const { missing, hurried, namesake, borrower } = cast;
  return [
    ...(['extension', 'resourcemap', 'host'] as const).flatMap((level) =>
      secretDetails(level, cast.details[level]),
    ),
    { where: 'parameter', value: parameter },
    ...[missing, cast.alive, hurried, namesake, borrower].map(({ vncPassword }) => ({
      ...{ where: 'vncPassword', value: vncPassword },
    })),
  ];
}

function secretDetails(level: string, details: Details['host']): Secret[] {
  return Object.entries(details)
    .filter(([key, value]) => /passw|secret|token|api_?key/i.test(key) && value.length >= 8)
    .map(([key, value]) => ({ where: `${level} detail "${key}"`, value }));
}

/** The details by which the executable is sent to another server, and to an address without one. */
export interface OtherPlaces {
  readonly atStranger: Details;
  readonly outOfReach: Details;
  /** Whether the executable has connected to that server. */
  visited(): boolean;
}

/** The places beside the remote system itself; leaves their calls out, with the reason, where there are none. */
export function otherPlacesOf(
  details: Details,
  { stranger, nowhere }: { readonly stranger: Stranger; readonly nowhere: string },
  runner: Runner,
): OtherPlaces | undefined {
  const atStranger = pointedAt(details, stranger.origin);
  const outOfReach = pointedAt(details, nowhere);
  const unverified = unverifiedBy(details);
  if (unverified !== undefined)
    runner.leaveOut('status at a stranger', `the detail "${unverified}" switches verification off`);
  if (atStranger !== undefined && outOfReach !== undefined)
    return { atStranger, outOfReach, visited: () => stranger.visit().connections > 0 };
  for (const step of ['status at a stranger', 'status out of reach'])
    runner.leaveOut(step, 'no detail of extension, cluster or host is an https address');
  return undefined;
}
