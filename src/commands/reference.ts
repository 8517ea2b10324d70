import { parametersOf } from '../cloudstack/custom.ts';
import { coreFields } from '../cloudstack/settings.ts';
import { type Action, everyone, type Parameter } from '../contract/action.ts';
import type { Field, Fields } from '../contract/field.ts';
import type { NetworkProvider } from '../contract/network.ts';
import type { Provider } from '../contract/provider.ts';
import { type Block, markdown } from './blocks.ts';
import { inOrderOfList } from './register/form.ts';

/*
 * The reference of a provider, made from its definitions, which the checks use, too. The
 * texts hold Markdown's backticks, which a terminal does not get to see.
 */

/** All of it in Markdown, as it stands between the markers in docs/providers/<name>.md. */
export function reference(provider: Provider, network?: NetworkProvider): string {
  return markdown([...settingsBlocks(provider, network), ...actionBlocks(provider)]);
}

/** The details that a provider reads, by who may set them. */
export function settingsBlocks(
  { settings, blueprint, stored, title }: Provider,
  network?: NetworkProvider,
): Block[] {
  return [
    { heading: 'Settings', level: 2 },
    {
      text: 'Details of the extension, of the cluster registration or of the host, from weak to strong. Only an operator can set them; an instance never can.',
    },
    fieldTable(settings),
    { heading: 'Settings of every provider', level: 3 },
    fieldTable(coreFields),
    { heading: 'What an instance is made of', level: 2 },
    {
      text: 'Operators give the default as a detail of the extension, cluster registration or host; template, service offering and deployment override it (`externaldetails`) within the limit.',
    },
    blueprintTable(blueprint),
    { heading: 'Stored details', level: 2 },
    { text: `Instance details through which CloudStack remembers ${title}; hints, never proof.` },
    asTable(
      ['Detail', 'Meaning'],
      Object.entries(stored).map(([key, about]) => [code(key), about]),
    ),
    ...(network === undefined ? [] : networkBlocks(network, settings)),
  ];
}

/** Fields that both halves share stand in the first table, and are named here alone. */
function networkBlocks({ settings }: NetworkProvider, others: Fields): Block[] {
  const isShared = (key: string): boolean => settings[key] === others[key];
  const shared = Object.keys(settings).filter(isShared);
  const own = Object.fromEntries(Object.entries(settings).filter(([key]) => !isShared(key)));
  const names = [...shared, 'provider', 'installation'].map(code).join(', ');
  return [
    { heading: 'Settings of the network half', level: 2 },
    {
      text: `Details of the registration with the physical network; CloudStack 4.23 passes no others to a network extension. As above are ${names}.`,
    },
    ...(Object.keys(own).length === 0 ? [] : [fieldTable(own)]),
  ];
}

/** The custom actions that a provider offers, with their parameters. */
export function actionBlocks(provider: Provider): Block[] {
  const actions = inOrderOfList(provider);
  const rows = actions.map(([name, action]) => [
    code(name),
    everyone.every((role) => action.roles.includes(role)) ? 'everyone' : action.roles.join(', '),
    `${action.timeoutSeconds} s`,
    sentences([action.destroysData === true && "Throws the instance's data away", action.about]),
  ]);
  const head = ['Action', 'Roles', 'Time-out', 'Meaning'];
  return [
    { heading: 'Custom actions', level: 2 },
    asTable(head, rows),
    ...actions.flatMap(([name, action]) => parameterBlocks(name, action)),
  ];
}

function parameterBlocks(name: string, action: Action): Block[] {
  const parameters = Object.entries(parametersOf(action));
  const policy = action.policy ?? {};
  return [
    ...(parameters.length === 0
      ? []
      : [
          { heading: `Parameters of ${name}`, level: 3 } as const,
          asTable(
            ['Parameter', 'Type', 'Default', 'Meaning'],
            parameters.map(([key, parameter]) => [
              code(key),
              typeOf(parameter),
              defaultOf(parameter),
              sentences([
                meaning(key, parameter),
                parameter.title !== undefined && `For people: ${code(parameter.title)}`,
              ]),
            ]),
          ),
        ]),
    ...(Object.keys(policy).length === 0
      ? []
      : [{ heading: `Details of the action ${name}`, level: 3 } as const, fieldTable(policy)]),
  ];
}

function fieldTable(fields: Fields): Block {
  const rows = Object.entries(fields).map(([key, field]) => [
    code(key),
    defaultOf(field),
    meaning(key, field),
  ]);
  return asTable(['Detail', 'Default', 'Meaning'], rows);
}

function blueprintTable(fields: Fields): Block {
  const rows = Object.entries(fields).map(([key, field]) => [
    code(key),
    defaultOf(field),
    field.within === undefined ? '' : code(field.within),
    meaning(key, field),
  ]);
  return asTable(['Detail', 'Default', 'Limit', 'Meaning'], rows);
}

function asTable(head: readonly string[], rows: readonly (readonly string[])[]): Block {
  return rows.length === 0 ? { text: 'None.' } : { table: [head, ...rows] };
}

function defaultOf(field: Field): string {
  if (field.required === true) return 'required';
  return field.default === undefined ? '' : code(field.default);
}

function meaning(key: string, field: Field): string {
  const also = [...(field.also ?? [])].map(code).join(', ');
  return sentences([
    field.unit === undefined ? field.about : `${field.about} (${field.unit})`,
    field.secret === true &&
      `Secret; \`${key}_file\` names a file in the secrets directory instead`,
    also !== '' && `Also as ${also}`,
    field.example !== undefined && `Example: ${code(field.example)}`,
  ]);
}

function typeOf({ type, format, options }: Parameter): string {
  const kind = format === undefined ? type : `${type} (${format})`;
  return options === undefined ? kind : `${kind}: ${options.join(', ')}`;
}

function sentences(parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join('. ');
}

function code(text: string): string {
  return `\`${text}\``;
}
