import type { Site } from '../contract/provider.ts';
import { stateDirectoryFor } from './call-context.ts';
import type { Known } from './call-facts.ts';
import { operatorLevels } from './settings.ts';
import { siteOf } from './site.ts';

/** The site of a call of CloudStack's. */
export function siteHere(facts: Known<'payload' | 'config' | 'deadline'>): Site {
  const { payload, config, deadline, log, world } = facts;
  return siteOf({
    ...{ deadline, log, config, uid: world.uid },
    levels: operatorLevels(payload),
    stateDirectory: (name) => stateDirectoryFor({ world, config }, name),
  });
}
