import type { Log } from '../contract/context.ts';
import type { Site } from '../contract/provider.ts';
import type { Config } from './config.ts';
import type { Level } from './details.ts';

/** The parts of this server that a provider may ask for its fields. */
export interface SiteFacts extends Pick<Site, 'deadline' | 'stateDirectory'> {
  readonly log: Log;
  readonly levels: readonly Level[];
  readonly config: Pick<Config, 'drivers'>;
  readonly uid: number;
}

/** The site as the operator's details and the configuration of this server make it. */
export function siteOf({ levels, config, uid, ...rest }: SiteFacts): Site {
  const { directory, owner, environment } = config.drivers;
  return {
    ...rest,
    drivers: { directory, environment, owner: owner === 'root' ? 0 : uid },
    detail: (key) =>
      levels
        .map(({ details }) => (Object.hasOwn(details, key) ? details[key]?.trim() : undefined))
        .filter((text) => text !== undefined && text !== '')
        .pop(),
  };
}
