import { Failure } from '../../../failure.ts';
import { type Api, asText, asTexts, type Entry } from '../../api/client.ts';
import { type Release, readRelease } from '../../api/release.ts';
import { isCalled, resourcesOf } from '../actual.ts';
import { keptBy } from '../installation.ts';
import { directoryOf } from '../names.ts';
import type { Kind, WantedNetwork } from './wanted.ts';

/** CloudStack's side of a network extension, as it is now. */
export interface ActualNetwork {
  readonly release: Release;
  readonly extension: Entry | undefined;
  readonly others: readonly Entry[];
  readonly physicalNetwork: Entry | undefined;
  /** By their names, of those that are wanted. */
  readonly offerings: ReadonlyMap<string, Entry>;
}

export async function readActualNetwork(api: Api, wanted: WantedNetwork): Promise<ActualNetwork> {
  const release = await readRelease(api);
  checkRelease(release);
  const all = await api.list('listExtensions', { details: 'all' });
  const extension = all.find((each) => isCalled(each, wanted.name));
  checkExtension(wanted, extension, all);
  return {
    ...{ release, extension, others: all.filter((each) => each !== extension) },
    physicalNetwork: await physicalNetworkOf(api, wanted),
    offerings: await offeringsOf(api, wanted),
  };
}

export function checkRelease({ version, servesNetworks }: Release): void {
  if (servesNetworks) return;
  throw new Failure('unsupported', `CloudStack ${version} has no network extensions`, {
    advice: 'They came with CloudStack 4.23',
  });
}

/** The offering of each kind that register makes, with the user data of the extension. */
export function offeringName({ name }: Pick<WantedNetwork, 'name'>, kind: Kind): string {
  return `${name} ${kind}`;
}

async function offeringsOf(api: Api, wanted: WantedNetwork): Promise<ReadonlyMap<string, Entry>> {
  const found = new Map<string, Entry>();
  for (const kind of wanted.half.offers.guests ? wanted.kinds : []) {
    const name = offeringName(wanted, kind);
    const all = await api.list('listNetworkOfferings', { name });
    const one = all.find((each) => each['name'] === name);
    if (one !== undefined) found.set(name, one);
  }
  return found;
}

function checkExtension(
  { name }: WantedNetwork,
  extension: Entry | undefined,
  all: readonly Entry[],
): void {
  const refuse = (message: string, advice: string): Failure =>
    new Failure('conflict', message, { advice });
  const twin = all.find(
    (each) => each !== extension && directoryOf(asText(each['name'])) === directoryOf(name),
  );
  if (twin !== undefined) {
    const other = asText(twin['name']);
    throw refuse(`The extension "${other}" has the same directory`, 'Choose another name');
  }
  if (extension === undefined) return;
  const there = asText(extension['name']);
  if (there !== name) {
    throw refuse(
      `CloudStack has an extension "${there}" already`,
      'An offering that spells its provider in another case sends no command: write it like that',
    );
  }
  const type = asText(extension['type']);
  if (type !== 'NetworkOrchestrator') {
    throw refuse(
      `The extension ${name} is one of type ${type}`,
      'Choose another name: instances and networks have an extension each',
    );
  }
}

async function physicalNetworkOf(api: Api, { physicalNetwork }: WantedNetwork): Promise<Entry> {
  const all = await api.list('listPhysicalNetworks');
  const found = all.filter(
    (each) => each['id'] === physicalNetwork || isCalled(each, physicalNetwork),
  );
  const [one, twin] = found;
  if (one !== undefined && twin === undefined) return one;
  throw new Failure(
    one === undefined ? 'not-found' : 'conflict',
    one === undefined
      ? `There is no physical network "${physicalNetwork}" in CloudStack`
      : `${found.length} physical networks are called "${physicalNetwork}"`,
    { advice: 'Write it as CloudStack lists it, or give its id' },
  );
}

/** The details of the registration with this physical network; `undefined` where there is none. */
export function registeredDetails({ extension, physicalNetwork }: ActualNetwork) {
  const registered = resourcesOf(extension).find(({ id }) => id === physicalNetwork?.['id']);
  return registered === undefined ? undefined : asTexts(registered['details']);
}

/** The installation of all machines: the network half finds nothing of theirs under another one. */
export function installationFor(wanted: WantedNetwork, actual: ActualNetwork): string {
  const own = registeredDetails(actual)?.['installation'];
  const elsewhere = actual.others.flatMap((each) => keptBy(each)).map(({ id }) => id);
  const found = [...new Set([own, ...elsewhere].filter((id): id is string => (id ?? '') !== ''))];
  const [only, second] = found;
  if (wanted.installation !== undefined) return wanted.installation;
  if (only !== undefined && second === undefined) return only;
  throw new Failure(
    'conflict',
    only === undefined
      ? 'No extension of this CloudStack has an installation yet'
      : `The extensions of this CloudStack have several installations: ${found.join(', ')}`,
    {
      advice:
        only === undefined
          ? 'Register the extension that serves the cluster first, or give --installation'
          : 'Give the one of the cluster with --installation',
    },
  );
}
