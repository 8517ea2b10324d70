import type { Check } from '../../contract/provider.ts';
import { Failure, fullText } from '../../failure.ts';
import type { DeadlineControl } from '../../kit/deadline.ts';
import { demandAccess } from '../api/access.ts';
import { type Api, asText, createApi } from '../api/client.ts';
import type { CommandCall } from '../command.ts';
import {
  type ListedNetwork,
  listNetworkExtensions,
  listNetworks,
  type NetworkExtension,
} from '../network-half/extensions.ts';
import { builtInProvider } from '../register/network/names.ts';
import { progressOf } from '../terminal.ts';
import { type Finding, fail, inLayer, ok, once, skipped, warn } from './finding.ts';
import { examineHalf } from './network-half.ts';
import { misspeltChecks, poisonChecks } from './served-networks.ts';

/** Every network extension in CloudStack, the networks that it serves, and the remote systems behind ours. */
export async function extensionFindings(
  call: CommandCall,
  deadline: DeadlineControl,
): Promise<readonly Finding[]> {
  const api = createApi(demandAccess(call), deadline);
  try {
    const extensions = await listNetworkExtensions(api);
    if (extensions.length === 0) return [];
    const networks = await attempt('networks', () => listNetworks(api));
    const providers = await attempt('network providers', () => providerStates(api));
    const checks = extensions.flatMap((each) => [
      ...extensionChecks(each, networks.found ?? []),
      ...providerChecks(each, providers.found ?? new Map()),
    ]);
    const served = networks.found === undefined ? [] : servedChecks(networks.found, extensions);
    return [
      ...inLayer('cloudstack', [...networks.checks, ...providers.checks, ...checks, ...served]),
      ...once(await halves(call, extensions, deadline)),
    ];
  } catch (thrown) {
    return inLayer('cloudstack', [fail('network extensions', fullText(Failure.from(thrown)))]);
  } finally {
    api.close();
  }
}

/** A list that cannot be read is one finding, and the other checks go on. */
async function attempt<T>(name: string, ask: () => Promise<T>) {
  try {
    return { found: await ask(), checks: [] };
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.kind === 'denied') return { checks: [skipped(name, fullText(failure))] };
    if (name !== 'networks') return { checks: [fail(name, fullText(failure))] };
    const advice =
      'A stored text with a backslash and "u" in it makes that whole list invalid JSON: select * from network_details where name=\'extension.details\'';
    return { checks: [fail(name, failure.message, advice)] };
  }
}

/** The states of the providers, by physical network and name. */
async function providerStates(api: Api): Promise<ReadonlyMap<string, string>> {
  const all = await api.list('listNetworkServiceProviders');
  return new Map(
    all.map(({ physicalnetworkid: id, name, state }) => [
      `${asText(id)} ${asText(name)}`,
      asText(state),
    ]),
  );
}

function extensionChecks(
  extension: NetworkExtension,
  networks: readonly ListedNetwork[],
): readonly Check[] {
  const { name, isEnabled, isReady, registrations } = extension;
  const builtIn = builtInProvider(name);
  return [
    addressCheck(extension, networks),
    ...(isEnabled
      ? []
      : [fail(name, 'it is disabled, which blocks every start on its networks', enable)]),
    ...(isReady
      ? []
      : [
          fail(
            name,
            'its file is missing or differs between the management servers, which blocks every start on its networks',
            `./install.sh --network-name "${name}" with the --name and --host options of the other one makes its link`,
          ),
        ]),
    ...(builtIn === undefined
      ? []
      : [
          fail(
            name,
            `it has the name of CloudStack's own provider ${builtIn}: no command reaches it`,
            'Never unregister it, which would remove that provider from the physical network; make an extension of another name and leave this one as it is',
          ),
        ]),
    ...(registrations.length > 0
      ? []
      : [warn(name, 'it is registered with no physical network', 'outrigger register --network')]),
    ...capabilityChecks(extension),
  ];
}

const enable = 'cmk update extension id=... state=Enabled';

/** Without that detail an L2 network gets rows of which a management server dies at its next start. */
function addressCheck(
  { name, details, registrations }: NetworkExtension,
  networks: readonly ListedNetwork[],
): Check {
  const key = 'network.allocate.extension.ip';
  if (details[key]?.toLowerCase() === 'false') return ok(name, `${key} is false`);
  const l2 = networks.filter(
    ({ type, providers }) => type === 'L2' && Object.values(providers).includes(name),
  );
  const isOurs = registrations.some((each) => each.details['provider'] !== undefined);
  const found = `${key} is not false: L2 networks get rows of which the management server dies at its next start, and it never comes up again`;
  if (l2.length > 0) {
    const named = l2.slice(0, 5).map((each) => each.name);
    return fail(name, `${found}; there are such networks: ${named.join(', ')}`, repair);
  }
  return isOurs ? fail(name, found, repair) : warn(name, found, repair);
}

const repair =
  'Set it (outrigger register --network does) and, before the next restart, remove the rows: docs/registering.md, A network extension, has the statement';

/** CloudStack ignores capabilities that it cannot read, and some calls fail without them. */
function capabilityChecks({ name, details }: NetworkExtension): readonly Check[] {
  const given = details['network.service.capabilities'];
  if (given === undefined) return [];
  try {
    JSON.parse(given);
    return [];
  } catch {
    const found = 'network.service.capabilities is no JSON, so that CloudStack ignores it';
    return [warn(name, found, 'Write {"Service": {"Capability": "value"}}')];
  }
}

function providerChecks(
  { name, registrations }: NetworkExtension,
  states: ReadonlyMap<string, string>,
): readonly Check[] {
  return registrations.flatMap(({ physicalNetwork: { id, name: physical } }) => {
    const state = states.get(`${id} ${name}`);
    if (state === undefined || state === 'Enabled') return [];
    const found = `its provider is ${state} on the physical network ${physical}, which blocks every start on its networks`;
    return [fail(name, found, 'cmk update networkserviceprovider id=... state=Enabled')];
  });
}

function servedChecks(
  networks: readonly ListedNetwork[],
  extensions: readonly NetworkExtension[],
): readonly Check[] {
  const found = [
    ...poisonChecks(networks),
    ...misspeltChecks(
      networks,
      extensions.map(({ name }) => name),
    ),
  ];
  if (found.length > 0) return found;
  const names = new Set(extensions.map(({ name }) => name));
  const served = networks.filter(({ providers }) =>
    Object.values(providers).some((each) => names.has(each)),
  );
  return [ok('networks', `${served.length} networks are served by extensions; all can be used`)];
}

async function halves(
  call: CommandCall,
  extensions: readonly NetworkExtension[],
  deadline: DeadlineControl,
): Promise<readonly Finding[]> {
  const { world } = call;
  const onStep = progressOf(call);
  const found: Finding[] = [];
  for (const { name, registrations } of extensions) {
    for (const { physicalNetwork, details } of registrations) {
      // Without that detail another extension's file serves the networks.
      if (details['provider'] === undefined) continue;
      const label = `${name} on ${physicalNetwork.name}`;
      const registration = details;
      found.push(...(await examineHalf({ label, registration, world, deadline, onStep })));
    }
  }
  return found;
}
