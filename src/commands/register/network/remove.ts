import { Failure } from '../../../failure.ts';
import { type Api, asEntries, asText, type Entry } from '../../api/client.ts';
import { listNetworks } from '../../network-half/extensions.ts';
import type { Change } from '../plan.ts';
import { builtInProvider } from './names.ts';

/** CloudStack would refuse the registration alone; and it would take its own provider for this one. */
export async function refuseWithNetworks(api: Api, name: string): Promise<void> {
  const taken = builtInProvider(name);
  if (taken !== undefined) {
    throw new Failure(
      'conflict',
      `${name} has the name of CloudStack's own provider ${taken}: unregistering it would remove that one from the physical network`,
      { advice: 'Leave it where it is and disable it (updateExtension state=Disabled)' },
    );
  }
  const left = (await listNetworks(api)).filter(({ providers }) =>
    Object.values(providers).some((each) => each.toLowerCase() === name.toLowerCase()),
  );
  if (left.length === 0) return;
  const named = left.slice(0, 5).map((each) => each.name);
  throw new Failure('conflict', `${name} still serves the networks ${named.join(', ')}`, {
    advice: 'Expunge their instances and delete the networks (deleteNetwork) first',
  });
}

/** Offerings stay in the database, and one of an extension that is gone makes networks that never work. */
export async function offeringsOff(api: Api, name: string): Promise<readonly Change[]> {
  const all = await api.list('listNetworkOfferings');
  return all.filter((each) => isOn(each) && providersOf(each).includes(name)).map(disabled);
}

function isOn(offering: Entry): boolean {
  return asText(offering['state']) === 'Enabled';
}

function providersOf(offering: Entry): readonly string[] {
  return asEntries(offering['service']).flatMap((service) =>
    asEntries(service['provider']).map((provider) => asText(provider['name'])),
  );
}

function disabled(offering: Entry): Change {
  const id = asText(offering['id']);
  return {
    ...{ verb: 'update', subject: `network offering ${asText(offering['name'])}` },
    differences: [{ what: 'state', from: 'Enabled', to: 'Disabled' }],
    command: 'updateNetworkOffering',
    parameters: () => ({ id, state: 'Disabled' }),
  };
}
