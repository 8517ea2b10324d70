import { Failure } from '../../failure.ts';
import { type Api, asText, onlyEntry } from './client.ts';

/** A release of CloudStack and what it can do. */
export interface Release {
  readonly version: string;
  /** Custom actions are told who calls, and CloudStack checks that he may. */
  readonly tellsCaller: boolean;
  /** Details that tenants cannot edit can be named. */
  readonly reservesDetails: boolean;
  readonly cleansUpDetails: boolean;
  /**
   * The details of a registration can be changed without losing those that are hidden: `password` and
   * `sshkey`, which this release hides from the API and from the script.
   */
  readonly updatesRegistrations: boolean;
  /** It calls extensions of type NetworkOrchestrator. */
  readonly servesNetworks: boolean;
  /** The most characters of a detail of an extension or a registration; longer ones are cut. */
  readonly detailLength: number;
}

/** Throws `usage` for a version that is none, `unsupported` for one without extensions. */
export function releaseOf(version: string): Release {
  // A release of 2024 and later may have a year for its number, with nothing behind it.
  const [, major = '', minor = '0'] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (major === '') throw new Failure('usage', `"${version}" is not a version of CloudStack`);
  const atLeast = (wanted: number, part: number): boolean =>
    Number(major) > wanted || (Number(major) === wanted && Number(minor) >= part);
  if (!atLeast(4, 21)) {
    throw new Failure('unsupported', `CloudStack ${version} has no extensions`, {
      advice: 'They came with CloudStack 4.21',
    });
  }
  return {
    version,
    tellsCaller: atLeast(4, 22),
    reservesDetails: atLeast(4, 23) || /^4\.22\.[1-9]/.test(version),
    cleansUpDetails: atLeast(4, 22),
    updatesRegistrations: atLeast(4, 23),
    servesNetworks: atLeast(4, 23),
    detailLength: atLeast(4, 23) ? 4096 : 255,
  };
}

/** The release that answers. */
export async function readRelease(api: Api): Promise<Release> {
  const body = onlyEntry(await api.call('listCapabilities'));
  const version = asText(body['cloudstackversion']);
  if (version !== '') return releaseOf(version);
  throw new Failure('upstream', 'CloudStack does not say which version it is');
}
