import { resolve } from 'node:path';
import type { Level } from '../../cloudstack/details.ts';
import { instanceDetails } from '../../cloudstack/instance.ts';
import { isNetworkPayload } from '../../cloudstack/network/call.ts';
import { readEnvelope } from '../../cloudstack/network/payload.ts';
import { type Details, parsePayload, readPayloadFile } from '../../cloudstack/payload.ts';
import { operatorLevels } from '../../cloudstack/settings.ts';
import { Failure } from '../../failure.ts';
import { readPlaced } from '../conform/key-values.ts';
import { isMembers, readJson } from '../json.ts';

export interface Given {
  readonly words: readonly string[];
  readonly detailsFile: string | undefined;
  readonly payloadFile: string | undefined;
  readonly setup?: Places | undefined;
}

const places = ['extension', 'resourcemap', 'host', 'virtualmachine', 'physicalnetwork'] as const;

/** Details by the places that they come from. */
export interface GivenDetails {
  /** Of extension, cluster registration and host. */
  readonly levels: readonly Level[];
  /** The choices of a template, an offering or the user for an instance; empty without one. */
  readonly instance: Level;
  /** Of a network extension's registration with a physical network; empty without one. */
  readonly registration: Details;
}

/** Typed details win over files, a file of details over a payload, and a payload over a setup file. */
export function readGiven({ words, detailsFile, payloadFile, setup }: Given): GivenDetails {
  const typed = readPlaced(words, places);
  const file = detailsFile === undefined ? {} : readDetailsFile(resolve(detailsFile));
  const payload = payloadFile === undefined ? undefined : readPayload(resolve(payloadFile));
  const all = (place: (typeof places)[number]): Details =>
    Object.assign(
      {},
      ...[setup, payload, file, typed].map((each) => each?.[place] ?? {}),
    ) as Details;
  const externaldetails = {
    ...{ extension: all('extension'), resourcemap: all('resourcemap'), host: all('host') },
    ...{ virtualmachine: {}, action: {} },
  };
  return {
    levels: operatorLevels({ externaldetails, parameters: {} }),
    instance: { name: 'instance', details: all('virtualmachine') },
    registration: all('physicalnetwork'),
  };
}

/** Details by where CloudStack keeps them. */
export type Places = Readonly<Partial<Record<(typeof places)[number], Details>>>;

/** The details in a payload that CloudStack wrote for a call of its own. */
function readPayload(file: string): Places {
  const raw = readPayloadFile(file);
  if (isNetworkPayload(raw)) return { physicalnetwork: readEnvelope(raw).registration };
  const parsed = parsePayload(raw);
  if (!('payload' in parsed)) throw new Failure('usage', `${file}: ${parsed.issues.join('; ')}`);
  const { payload } = parsed;
  return { ...payload.externaldetails, virtualmachine: instanceDetails(payload) };
}

/** `{"host": {...}, "extension": {...}, ...}`, or the details of the host alone. */
export function readDetailsFile(file: string): Places {
  const refuse = (why: string): Failure =>
    new Failure('usage', `The details file ${file} ${why}`, {
      advice:
        'It holds {"extension": {...}, "resourcemap": {...}, "host": {...}, "virtualmachine": {...}, "physicalnetwork": {...}} or the host alone',
    });
  const given = readJson(file);
  if (!isMembers(given)) throw refuse('does not hold a JSON object');
  const nested = Object.values(given).some(isMembers);
  const found = nested ? given : { host: given };
  for (const [place, details] of Object.entries(found)) {
    if (!places.some((each) => each === place)) throw refuse(`speaks of "${place}"`);
    if (!isMembers(details)) throw refuse(`has no map of details under "${place}"`);
    const odd = Object.entries(details).find(([, value]) => !isScalar(value))?.[0];
    if (odd !== undefined) throw refuse(`has something else than a text under "${odd}"`);
  }
  return Object.fromEntries(
    Object.entries(found).map(([place, details]) => [place, asTexts(details)]),
  );
}

function asTexts(details: unknown): Details {
  const entries = Object.entries(details as Record<string, unknown>);
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
