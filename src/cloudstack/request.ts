import { Failure } from '../failure.ts';
import type { Caller, Instance, Provider, Registry, SizedInstance } from '../provider.ts';
import type { ActionRow } from './actions.ts';
import type { Arguments } from './arguments.ts';
import { findRow, readPayload, secretsIn } from './asked.ts';
import { type Custom, checkRole, findCustom, parameterSecrets, readParameters } from './custom.ts';
import { knownWords, type Level, resolveFields, unknownDetails } from './details.ts';
import { instanceDetails, readCaller, readInstance, readSizedInstance } from './instance.ts';
import { collectIssues, type Issues } from './issues.ts';
import type { Payload } from './payload.ts';
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
  row?: ActionRow | undefined;
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
  known.secrets.push(...secretsIn(payload));
  const caller = readCaller(payload);
  if (caller !== undefined) known.caller = caller;
  const row = findRow(args, payload);
  known.row = row;
  known.shown = row === undefined || row.shown;
  const levels = operatorLevels(payload);
  const core = resolveCore(levels, issues);
  const provider = await findProvider(core, reading, issues);
  const subject = readSubject(row?.needs ?? 'instance', payload, provider, known, issues);
  if (provider === undefined) {
    issues.throwIfAny(attempted(args, known));
    throw new Failure('internal', 'No provider was found and nobody said why');
  }
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
  known.secrets.push(...policy.secrets);
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

function attempted({ action }: Arguments, { row, name }: Known): string {
  if (row === undefined) return `Cannot run ${action}`;
  if (row.needs === 'nothing') return `The instances could not be ${row.done}`;
  return `${name ?? 'The instance'} could not be ${row.done}`;
}
