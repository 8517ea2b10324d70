import { Failure } from '../../failure.ts';
import { asText, asTexts } from '../api/client.ts';
import type { Actual } from './actual.ts';
import { isBuiltIn, replaceOption } from './built-in.ts';
import { consoleButtonOf } from './console.ts';
import { mergeDetails, secretKeys, shownDetail } from './details.ts';
import { isAt } from './names.ts';
import type { Difference, Plan } from './plan.ts';
import type { Wanted } from './wanted.ts';

/** The extension itself: made, or brought up to date without dropping what others put there. */
export function planExtension(wanted: Wanted, actual: Actual): Plan {
  return actual.extension === undefined ? creation(wanted, actual) : update(wanted, actual);
}

function creation(wanted: Wanted, actual: Actual): Plan {
  const { release } = actual;
  const { name, path, provider, details } = wanted;
  const description = wanted.description ?? usualDescription(wanted);
  const button = consoleButtonOf(wanted, actual);
  const prepares = provider.prepares || button.needsPrepare;
  const reserved = [...Object.keys(provider.stored), ...button.reserved].join(',');
  const secrets = secretKeys(provider.settings);
  return {
    changes: [
      {
        verb: 'create',
        subject: `extension ${name}`,
        differences: [
          { what: 'path', to: path },
          { what: 'description', to: description },
          { what: 'asks prepare first', to: String(prepares) },
          ...(release.reservesDetails && reserved !== ''
            ? [{ what: 'reserved details', to: reserved }]
            : []),
          ...Object.entries(details).map(([key, value]) => ({
            what: `detail ${key}`,
            to: shownDetail(key, value, secrets),
          })),
        ],
        command: 'createExtension',
        parameters: () => ({
          ...{ name, type: 'Orchestrator', path, description, details },
          orchestratorrequirespreparevm: prepares,
          ...(release.reservesDetails && reserved !== ''
            ? { reservedresourcedetails: reserved }
            : {}),
        }),
        makes: 'extension',
      },
    ],
    remarks: button.remarks,
  };
}

function usualDescription({ provider }: Wanted): string {
  return `${provider.title} through Outrigger`;
}

function update(wanted: Wanted, actual: Actual): Plan {
  const { extension = {}, release } = actual;
  const { provider, details } = wanted;
  const isUntold = asText(extension['description']) === '';
  const description = wanted.description ?? (isUntold ? usualDescription(wanted) : undefined);
  const button = consoleButtonOf(wanted, actual);
  const before = asTexts(extension['details']);
  const secrets = secretKeys(provider.settings);
  const { prune } = wanted;
  const { details: all, differences: changed } = mergeDetails(before, details, { prune, secrets });
  const preparesNow = extension['orchestratorrequirespreparevm'] === true;
  const prepares = provider.prepares || button.needsPrepare;
  const described = description === undefined || extension['description'] === description;
  const reserved = reservedToAdd(
    [...Object.keys(provider.stored), ...button.reserved],
    extension['reservedresourcedetails'],
    release,
  );
  const differences: Difference[] = [
    ...changed,
    ...(prepares === preparesNow
      ? []
      : [{ what: 'asks prepare first', from: String(preparesNow), to: String(prepares) }]),
    ...(described
      ? []
      : [{ what: 'description', from: asText(extension['description']), to: description ?? '' }]),
    ...(reserved === undefined ? [] : [{ what: 'reserved details', to: reserved }]),
  ];
  const remarks = [...remarksOn(wanted, extension), ...button.remarks];
  if (differences.length === 0) return { changes: [], remarks };
  return {
    changes: [
      {
        verb: 'update',
        subject: `extension ${wanted.name}`,
        differences,
        command: 'updateExtension',
        parameters: (idOf) => ({
          id: idOf('extension'),
          // All of them: the visible ones that are not sent again are gone.
          ...(changed.length === 0 ? {} : { details: all }),
          ...(prepares === preparesNow ? {} : { orchestratorrequirespreparevm: prepares }),
          ...(described ? {} : { description }),
          ...(reserved === undefined ? {} : { reservedresourcedetails: reserved }),
        }),
      },
    ],
    remarks,
  };
}

/** All reserved details with ours among them; only where CloudStack says what there are. */
function reservedToAdd(
  wanted: readonly string[],
  listed: unknown,
  { reservesDetails }: Actual['release'],
): string | undefined {
  if (!reservesDetails || typeof listed !== 'string') return undefined;
  const there = listed.split(',').filter((key) => key !== '');
  const missing = wanted.filter((key) => !there.includes(key));
  return missing.length === 0 ? undefined : [...there, ...missing].join(',');
}

function remarksOn(wanted: Wanted, extension: Readonly<Record<string, unknown>>): string[] {
  const reported = asText(extension['path']);
  const builtIn = isBuiltIn(extension);
  if (!builtIn && reported !== '' && !isAt(reported, wanted.path)) {
    throw new Failure(
      'conflict',
      `The extension ${wanted.name} starts ${reported}, not ${wanted.path}, and its path cannot be changed`,
      { advice: 'Install the file there and give --path, or --remove the extension first' },
    );
  }
  return [
    ...(builtIn
      ? [
          `${wanted.name} is built into CloudStack and starts ${reported}: \`install.sh ${replaceOption(extension)}\` puts Outrigger there`,
        ]
      : []),
    ...(extension['state'] === 'Disabled'
      ? [`The extension ${wanted.name} is disabled and stays so`]
      : []),
    'Hidden details cannot be read through the API: they are neither compared nor touched',
  ];
}
