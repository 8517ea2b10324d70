import { Failure } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';
import type { Caller, Instance, Provider, Registry, SizedInstance } from '../provider.ts';
import { type ActionRow, actions, builtIn } from './actions.ts';
import type { Arguments } from './arguments.ts';
import { type Custom, checkRole, findCustom, parameterSecrets, readParameters } from './custom.ts';
import { knownWords, type Level, resolveFields, unknownDetails } from './details.ts';
import { instanceDetails, readCaller, readInstance, readSizedInstance } from './instance.ts';
import { collectIssues, type Issues } from './issues.ts';
import { type Payload, parsePayload, readPayloadFile } from './payload.ts';
import {
  type CoreSettings,
  chooseProvider,
  coreFields,
  operatorLevels,
  resolveBlueprint,
  resolveCore,
  resolveSettings,
} from './settings.ts';

/** What is known of a call so far, for its log lines and the wording of a failure. */
export interface Known {
  provider?: string;
  vm?: string;
  name?: string;
  caller?: Caller;
  row?: ActionRow;
  custom?: Custom;
  /** Whoever asked reads the text of a failure, tenants included. */
  shown?: boolean;
  readonly secrets: string[];
  /** What a start left out of its blueprint, and why. */
  readonly leftOut: string[];
  /** Details that nobody reads, with what they may be meant for; worked out when somebody asks. */
  unread?: () => readonly string[];
}

/** A call that has been read and checked as a whole. */
export interface Request {
  readonly provider: Provider;
  readonly settings: Readonly<Record<string, unknown>>;
  /** All that makes up the endpoint, credentials included. */
  readonly endpoint: string;
  readonly core: CoreSettings;
  readonly blueprint: Readonly<Record<string, unknown>>;
  readonly row?: ActionRow;
  readonly custom?: Custom;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly policy: Readonly<Record<string, unknown>>;
  readonly instance?: Instance;
  readonly sized?: SizedInstance;
}

export interface Reading {
  readonly registry: Registry;
  readonly startedAs: string;
  readonly secretsDirectory: string;
  readonly known: Known;
}

/** Reads the payload and checks all of it against the action, the provider and its settings. */
export async function readRequest(args: Arguments, reading: Reading): Promise<Request> {
  const { known } = reading;
  const issues = collectIssues();
  const payload = readPayload(args, issues);
  noteSecrets(payload, known);
  const row = findRow(args, payload, known);
  known.shown = row === undefined || row.shown;
  const caller = readCaller(payload);
  if (caller !== undefined) known.caller = caller;
  const levels = operatorLevels(payload);
  const core = resolveCore(levels, issues);
  const provider = await findProvider(core, reading, issues);
  const subject = readSubject(row?.needs ?? 'instance', payload, provider, known, issues);
  if (provider === undefined) throw issuesThrown(issues, args, known);
  if (payload.action !== undefined) {
    known.custom = findCustom(provider, payload.action);
    checkRole(known.custom, caller, core);
  }
  const details = resolveDetails({ payload, provider, levels, row, reading, issues });
  issues.throwIfAny(attempted(args, known));
  return {
    provider,
    core,
    ...details,
    ...subject,
    ...(row === undefined ? {} : { row }),
    ...customPart(payload, known, subject.instance),
  };
}

function customPart(payload: Payload, known: Known, instance: Instance | undefined) {
  const { custom } = known;
  if (custom === undefined) return { parameters: {} };
  known.secrets.push(...parameterSecrets(custom.action, payload.parameters));
  return {
    custom,
    parameters: readParameters(custom, payload.parameters, instance?.name ?? ''),
  };
}

function readPayload({ payloadFile }: Arguments, issues: Issues): Payload {
  const raw = readPayloadFile(payloadFile);
  const parsed = parsePayload(raw);
  if ('payload' in parsed) return parsed.payload;
  for (const issue of parsed.issues) issues.add('usage', issue);
  // What stands elsewhere in it is still looked at, so that everything is said at once.
  const none = { extension: {}, resourcemap: {}, host: {}, virtualmachine: {}, action: {} };
  const { caller: _caller, action, ...rest } = raw;
  return {
    ...rest,
    ...(typeof action === 'string' ? { action } : {}),
    externaldetails: none,
    parameters: {},
  };
}

/** CloudStack's own action; none for a custom one, which its payload names. */
function findRow(args: Arguments, payload: Payload, known: Known): ActionRow | undefined {
  const { action } = payload;
  // Custom actions have no dots in their names; Java classes do.
  if (args.action.includes('.') || action?.includes('.')) {
    throw new Failure(
      'unsupported',
      `CloudStack's internal command ${args.action} is nothing that an extension does`,
    );
  }
  if (action !== undefined) {
    if (action === args.action) return undefined;
    const both = `"${args.action}" on the command line, "${action}" in the payload`;
    throw new Failure('usage', `The action is not one and the same: ${both}`);
  }
  const found = builtIn(args.action);
  if (found !== undefined) {
    known.row = found.row;
    return found.row;
  }
  const near = nearest(args.action, Object.keys(actions));
  throw new Failure(
    'usage',
    `There is no action "${args.action}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    { advice: 'A custom action carries its name in the payload too, under "action"' },
  );
}

async function findProvider(
  core: CoreSettings,
  { registry, startedAs, known }: Reading,
  issues: Issues,
): Promise<Provider | undefined> {
  try {
    const provider = await chooseProvider(core.provider, startedAs, registry);
    known.provider = provider.name;
    return provider;
  } catch (error) {
    const { message, advice, kind } = Failure.from(error);
    if (kind !== 'config') throw error;
    issues.add('config', advice === undefined ? message : `${message}. ${advice}`);
    return undefined;
  }
}

function readSubject(
  needs: ActionRow['needs'],
  payload: Payload,
  provider: Provider | undefined,
  known: Known,
  issues: Issues,
): { readonly instance?: Instance; readonly sized?: SizedInstance } {
  if (needs === 'nothing') return {};
  const stored = Object.keys(provider?.stored ?? {});
  const read =
    needs === 'size' ? readSizedInstance(payload, stored) : readInstance(payload, stored);
  if ('issues' in read) {
    for (const issue of read.issues) issues.add('usage', issue);
    return {};
  }
  known.vm = read.value.uuid;
  known.name = read.value.name;
  return needs === 'size'
    ? { instance: read.value, sized: read.value as SizedInstance }
    : { instance: read.value };
}

interface DetailsToResolve {
  readonly payload: Payload;
  readonly provider: Provider;
  readonly levels: readonly Level[];
  readonly row: ActionRow | undefined;
  readonly reading: Reading;
  readonly issues: Issues;
}

function resolveDetails({ payload, provider, levels, row, reading, issues }: DetailsToResolve) {
  const { known, secretsDirectory } = reading;
  const settings = resolveSettings(provider, levels, secretsDirectory, issues);
  known.secrets.push(...settings.secrets);
  const inside: Level = { name: 'instance', details: instanceDetails(payload) };
  const wanted =
    row?.blueprint ?? (known.custom?.action.usesBlueprint === true ? 'full' : undefined);
  const lenient = (sentence: string): void => void known.leftOut.push(sentence);
  const blueprint =
    wanted === undefined
      ? { values: {}, texts: {}, secrets: [] }
      : resolveBlueprint(provider, {
          settings: settings.values,
          levels: [...levels, inside],
          secretsDirectory,
          issues,
          ...(wanted === 'partial' ? { lenient } : {}),
        });
  known.secrets.push(...blueprint.secrets);
  const policy = resolveFields(known.custom?.action.policy ?? {}, {
    levels: [{ name: 'action', details: payload.externaldetails.action }],
    secretsDirectory,
    issues,
  });
  known.unread = () => unreadDetails(provider, levels);
  return {
    settings: settings.values,
    endpoint: JSON.stringify([provider.name, settings.texts]),
    blueprint: blueprint.values,
    policy: policy.values,
  };
}

/** Nobody fails for a detail that nobody reads; a misspelt one should be easy to find, though. */
function unreadDetails(provider: Provider, levels: readonly Level[]): readonly string[] {
  const words = knownWords(coreFields, provider.settings, provider.blueprint);
  return unknownDetails(levels, words).map(({ level, key, meant }) => {
    const hint = meant === undefined ? '' : ` (did you mean "${meant}"?)`;
    return `${level} detail "${key}"${hint}`;
  });
}

function noteSecrets(payload: Payload, known: Known): void {
  const vm = payload['cloudstack.vm.details'];
  const password =
    typeof vm === 'object' && vm !== null
      ? (vm as Record<string, unknown>)['vncPassword']
      : undefined;
  if (typeof password === 'string') known.secrets.push(password);
}

function attempted({ action }: Arguments, { row, name }: Known): string {
  if (row === undefined) return `Cannot run ${action}`;
  if (row.needs === 'nothing') return `The instances could not be ${row.done}`;
  return `${name ?? 'The instance'} could not be ${row.done}`;
}

function issuesThrown(issues: Issues, args: Arguments, known: Known): Failure {
  try {
    issues.throwIfAny(attempted(args, known));
  } catch (error) {
    return Failure.from(error);
  }
  return new Failure('internal', 'No provider was found and nobody said why');
}
