import type { Check } from '../../contract/provider.ts';
import { isMembers } from '../json.ts';
import type { ListedNetwork } from '../network-half/extensions.ts';
import { fail, warn } from './finding.ts';

/**
 * Networks whose stored text is no JSON: CloudStack reads it before it starts a file, so that no file can
 * mend it. Ours prints nothing that would be stored.
 */
export function poisonChecks(networks: readonly ListedNetwork[]): readonly Check[] {
  return networks.flatMap(({ id, name, stored }) => {
    if (stored === undefined || stored === '') return [];
    const kind = kindOf(stored);
    if (kind === 'object') return [];
    if (kind === 'other') {
      const found = `network ${name} (${id}) keeps a text that is no JSON object, and its extension never gets it back`;
      return [warn('networks', found, forget(id))];
    }
    const found = `network ${name} (${id}) is poisoned: its extension.details are no JSON, so that every start, restart and the deletion of it fail before any file runs`;
    return [fail('networks', found, forget(id))];
  });
}

function kindOf(text: string): 'object' | 'other' | 'broken' {
  try {
    return isMembers(JSON.parse(text)) ? 'object' : 'other';
  } catch {
    return 'broken';
  }
}

/** No call of the API changes the text. */
function forget(id: string): string {
  return `In CloudStack's database: delete from network_details where name='extension.details' and network_id=(select id from networks where uuid='${id}')`;
}

/** CloudStack compares providers by their exact names, and accepts the other ones. */
export function misspeltChecks(
  networks: readonly ListedNetwork[],
  names: readonly string[],
): readonly Check[] {
  return networks.flatMap(({ name, providers }) =>
    Object.entries(providers).flatMap(([service, provider]) => {
      const meant = names.find((each) => each.toLowerCase() === provider.toLowerCase());
      if (meant === undefined || meant === provider) return [];
      const found = `network ${name} has ${service} from "${provider}", which is spelt ${meant}: no command is ever sent, and user data are lost`;
      return [
        fail('networks', found, `Make an offering with the provider ${meant}, and a new network`),
      ];
    }),
  );
}
