import { sentence } from '../../failure.ts';
import { flatten, type Parameters } from '../api/form.ts';
import { shellWord } from '../terminal.ts';
import { shownDetail } from './details.ts';
import type { Change, Plan, Reference } from './plan.ts';
import { keyRules } from './rules.ts';
import type { Wanted } from './wanted.ts';

/** How cmk finds what is not known: the list, the key of its entries and of the name in them. */
const lists: Readonly<Record<string, readonly [string, string, string]>> = {
  extension: ['list extensions', 'extension', 'name'],
  cluster: ['list clusters', 'cluster', 'name'],
  zone: ['list zones', 'zone', 'name'],
  pod: ['list pods', 'pod', 'name'],
  ostype: ['list ostypes', 'ostype', 'description'],
  physicalnetwork: ['list physicalnetworks', 'physicalnetwork', 'name'],
  offering: ['list networkofferings', 'networkoffering', 'name'],
};

/** Of what was made; a pipeline ends as its last command does, so jq has to fail without one. */
const firstId = '[.. | .id? // empty] | first // empty';

/** The extension that the commands are for, and the resource that it is registered with. */
interface Printed extends Pick<Wanted, 'name' | 'zone'> {
  readonly kind?: 'cluster' | 'network';
}

/**
 * The plan as commands for cmk and jq, to be read and run by a person.
 *
 * Secrets become shell variables that have to be set first; ids that are not known yet too.
 */
export function printCommands(
  plan: Plan,
  known: ReadonlyMap<Reference, string>,
  { name: extensionName, zone, kind = 'cluster' }: Printed,
  secrets: ReadonlySet<string>,
): string[] {
  const { changes, remarks } = plan;
  const variables = new Map<Reference, string>();
  const made = new Set<Reference>();
  const before: string[] = [];
  const asked = new Map<string, AskedSecret>();
  const wordFor = (reference: Reference): { readonly id?: string; readonly variable?: string } => {
    const id = known.get(reference);
    if (id !== undefined) return { id };
    const variable = variables.get(reference) ?? nameFor(reference, variables.size);
    if (!variables.has(reference)) variables.set(reference, variable);
    if (!made.has(reference)) {
      made.add(reference);
      // Another zone may have a pod or a cluster of the same name.
      const inZone = zone === undefined || !/^(pod|cluster):/.test(reference);
      const place = inZone ? undefined : wordFor(`zone:${zone}`);
      before.push(lookUp(reference, variable, extensionName, place));
    }
    return { variable };
  };
  const lines = changes.flatMap((change) => {
    const holes: string[] = [];
    const idOf = (reference: Reference): string => {
      const { id, variable = '' } = wordFor(reference);
      if (id !== undefined) return id;
      holes.push(variable);
      return `\${${variable}}`;
    };
    const form = flatten(change.parameters(idOf) as Parameters);
    const words = Object.entries(form).map(([key, value]) =>
      word(key, value, { holes, secrets, asked, subject: change.subject }),
    );
    if (change.makes !== undefined) {
      const variable = nameFor(change.makes, variables.size);
      variables.set(change.makes, variable);
      made.add(change.makes);
      return [`${variable}=$(${cmk(change, words)} | jq -er ${shellWord(firstId)})`];
    }
    return [cmk(change, words)];
  });
  return [
    '#!/bin/sh',
    '# What `outrigger register` would do, for cmk (https://github.com/apache/cloudstack-cloudmonkey).',
    ...remarks.map((remark) => `# ${sentence(remark.replace(/\s+/g, ' '))}`),
    ...keyRules(plan, kind),
    'set -eu',
    ...[...asked.values()].flatMap(({ variable, about }) => [
      `# ${variable}: ${about.replace(/\s+/g, ' ')}`,
      `: "\${${variable}:?set ${variable} to the secret first}"`,
    ]),
    ...before,
    ...lines,
  ];
}

function cmk({ command }: Change, words: readonly string[]): string {
  const [, verb = '', noun = ''] = /^([a-z]+)(.*)$/.exec(command) ?? [];
  return ['cmk -o json', verb, noun.toLowerCase(), ...words].join(' ');
}

/** The shell variable that stands for a secret, and what that is the secret of. */
interface AskedSecret {
  readonly variable: string;
  readonly about: string;
}

interface Holes {
  readonly holes: readonly string[];
  readonly secrets: ReadonlySet<string>;
  /** By detail and value: hosts may have different secrets in details of one name. */
  readonly asked: Map<string, AskedSecret>;
  readonly subject: string;
}

function word(key: string, value: string, { holes, secrets, asked, subject }: Holes): string {
  const detail = /\]\.(.+)$/.exec(key)?.[1];
  if (detail !== undefined && shownDetail(detail, value, secrets) === '(secret)') {
    const id = `${detail}=${value}`;
    const variable = asked.get(id)?.variable ?? variableFor(detail, asked);
    if (!asked.has(id)) asked.set(id, { variable, about: `${detail} of ${subject}` });
    return `${shellWord(`${key}=`)}"\${${variable}}"`;
  }
  const hole = holes.find((name) => value === `\${${name}}`);
  return hole === undefined ? shellWord(`${key}=${value}`) : `${key}="${value}"`;
}

function variableFor(detail: string, asked: ReadonlyMap<string, AskedSecret>): string {
  const name = `${detail.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()}_SECRET`;
  const taken = [...asked.values()].map(({ variable }) => variable);
  const free = (number: number): string => (number === 1 ? name : `${name}_${number}`);
  let number = 1;
  while (taken.includes(free(number))) number += 1;
  return free(number);
}

function nameFor(reference: Reference, number: number): string {
  const [kind = ''] = reference.split(':');
  return kind === 'extension' ? 'EXTENSION' : `${kind.toUpperCase()}_${number}`;
}

/** The id of the only one that is called so; the script ends where there is none or more than one. */
function lookUp(
  reference: Reference,
  variable: string,
  extensionName: string,
  place: { readonly id?: string; readonly variable?: string } | undefined,
): string {
  const [kind = '', ...rest] = reference.split(':');
  const name = kind === 'extension' ? extensionName : rest.join(':');
  const [list, entries, key] = lists[kind] ?? ['list', kind, 'name'];
  const zone =
    place === undefined
      ? ''
      : ` zoneid=${place.id === undefined ? `"\${${place.variable}}"` : shellWord(place.id)}`;
  const all = `[.${entries}[]? | select(.${key} == $name or .id == $name) | .id] | unique`;
  const filter = `${all} | if length == 1 then .[0] else error("\\(length) of the ${kind} \\($name), not one") end`;
  return `${variable}=$(cmk -o json ${list}${zone} | jq -er --arg name ${shellWord(name)} ${shellWord(filter)})`;
}
