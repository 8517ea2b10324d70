import type { Field } from '../../../contract/field.ts';
import type { Provider } from '../../../contract/provider.ts';
import type { Texts } from '../../api/form.ts';
import { directoryOf } from '../names.ts';
import { firstDetails } from './first-details.ts';
import { type Entry, type Fields, written } from './json-with-comments.ts';

export interface Start {
  readonly name: string;
  readonly provider: Provider;
  readonly given: Texts;
  /** The zone and the pod, where CloudStack has only one. */
  readonly zone?: string;
  readonly pod?: string;
}

/** The text of a setup file with all that the first instance needs. */
export function skeleton(start: Start): string {
  const { name, provider, zone = '<zone>', pod = '<pod>' } = start;
  const { host, extension, template } = detailsByPlace(start);
  const own = extension.length === 0 ? [] : [entry('details', { entries: extension })];
  const head = fields(entry('name', name), entry('provider', provider.name), ...own);
  const file = fields(
    entry('extension', head),
    entry('zone', zone, 'As listZones names it'),
    entry('pod', pod, 'As listPods names it'),
    entry('clusters', { items: [clusterOf(start, host)] }),
    entry('templates', { items: [templateOf(start, template)] }),
  );
  const about = 'Written by `outrigger register --init`. Replace every <...>, then run';
  return `// ${about} \`outrigger register --setup\`.\n${written(file)}\n`;
}

function clusterOf({ name, given }: Start, details: readonly Entry[]): Fields {
  const directory = directoryOf(name);
  const host = fields(
    entry('name', hostName(given, directory)),
    entry('details', { entries: details }),
  );
  return fields(entry('name', directory), entry('hosts', { items: [host] }));
}

function templateOf({ name }: Start, details: readonly Entry[]): Fields {
  return fields(
    entry('name', templateName(details, directoryOf(name))),
    entry('ostype', 'Debian GNU/Linux 12 (64-bit)', 'As listOsTypes names it'),
    entry('details', { entries: details }),
  );
}

function entry(key: string, value: Entry['value'], comment?: string): Entry {
  return comment === undefined ? { key, value } : { key, value, comment };
}

function fields(...entries: readonly Entry[]): Fields {
  return { entries };
}

interface ByPlace {
  readonly host: readonly Entry[];
  readonly extension: readonly Entry[];
  readonly template: readonly Entry[];
}

/** The way to a host stands with the host, limits and policy with the extension, the rest with the template. */
function detailsByPlace({ provider, given }: Start): ByPlace {
  const needed = neededOf(provider, given);
  const words = [...needed, ...Object.keys(given).filter((key) => !needed.includes(key))];
  const own = (key: string): Entry => detailEntry(key, fieldFor(provider, key), given);
  const isSetting = (key: string): boolean => !Object.hasOwn(provider.blueprint, key);
  return {
    host: words.filter((key) => isSetting(key) && needed.includes(key)).map(own),
    extension: words.filter((key) => isSetting(key) && !needed.includes(key)).map(own),
    template: words.filter((key) => !isSetting(key)).map(own),
  };
}

/** Required details and those of the table; a secret is named by its file. */
function neededOf(provider: Provider, given: Texts): readonly string[] {
  const all = { ...provider.settings, ...provider.blueprint };
  const required = Object.entries(all)
    .filter(([, field]) => field.required === true)
    .map(([key, { secret }]) => (secret === true ? `${key}_file` : key));
  const first = (firstDetails[provider.name] ?? []).map(
    (choices) => choices.find((key) => Object.hasOwn(given, key)) ?? choices[0] ?? '',
  );
  return [...new Set([...required, ...first])];
}

function fieldFor({ settings, blueprint }: Provider, key: string): Field | undefined {
  const all = { ...settings, ...blueprint };
  return all[key] ?? all[key.replace(/_file$/, '')];
}

function detailEntry(key: string, field: Field | undefined, given: Texts): Entry {
  const value = given[key];
  if (value !== undefined) return { key, value };
  const isFile = field?.secret === true;
  const example = field?.example === undefined ? '' : `. Example: ${field.example}`;
  const about = isFile
    ? `${field.about}: the name of a file in /etc/outrigger/secrets`
    : `${field?.about ?? key}${example}`;
  return { key, value: `<${key}>`, comment: about };
}

/** The node, or the host in the address; both tell hosts of one extension apart. */
function hostName(given: Texts, directory: string): string {
  const address = given['url'] ?? given['endpoint'] ?? '';
  const host = /^(?:[a-z+]+:\/\/)?([^/:,\s]+)/.exec(address)?.[1];
  return given['node'] ?? host ?? `${directory}-1`;
}

function templateName(template: readonly Entry[], directory: string): string {
  const value = template[0]?.value;
  const words = typeof value === 'string' && !value.startsWith('<') ? value : '';
  const last = words.split(/[\\/]/).pop() ?? '';
  return `${directory}-${last === '' ? 'template' : last}`;
}
