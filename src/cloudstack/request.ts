import type { Instance, SizedInstance } from '../contract/instance.ts';
import type { Provider } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import type { ActionRow } from './actions.ts';
import type { Arguments } from './arguments.ts';
import { type Custom, checkRole, findCustom, parameterSecrets, readParameters } from './custom.ts';
import { readCaller, readInstance, readSizedInstance } from './instance.ts';
import { collectIssues, type Issues } from './issues.ts';
import type { Known } from './known.ts';
import type { Payload } from './payload.ts';
import { type Reading, resolveDetails } from './request-details.ts';
import { findRow, readPayload, secretsIn } from './resolve-action.ts';
import { type CoreSettings, chooseProvider, operatorLevels, resolveCore } from './settings.ts';

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

function attempted({ action }: Arguments, { row, name }: Known): string {
  if (row === undefined) return `Cannot run ${action}`;
  if (row.needs === 'nothing') return `The instances could not be ${row.done}`;
  return `${name ?? 'The instance'} could not be ${row.done}`;
}
