import type { Instance, SizedInstance } from '../contract/instance.ts';
import type { Provider } from '../contract/provider.ts';
import { expectFailure, Failure } from '../failure.ts';
import type { HostRow, InstanceRow, SizedRow } from './actions.ts';
import type { CallFacts, FactsHolder, Known } from './call-facts.ts';
import type { Custom } from './custom.ts';
import { readCaller, readInstance } from './instance.ts';
import { collectIssues, type Issues } from './issues.ts';
import { type Payload, parsePayload } from './payload.ts';
import { withBlueprint, withSettings } from './request-details.ts';
import { resolveAction } from './resolve-action.ts';
import { chooseProvider, operatorLevels, resolveCore } from './settings.ts';

/** The work that the provider is asked for, with its instance. */
export type Task =
  | { readonly kind: 'statuses'; readonly row: HostRow }
  | { readonly kind: 'instance'; readonly row: InstanceRow; readonly instance: Instance }
  | { readonly kind: 'sized'; readonly row: SizedRow; readonly instance: SizedInstance }
  | {
      readonly kind: 'custom';
      readonly custom: Custom;
      readonly instance: Instance;
      readonly parameters: Readonly<Record<string, unknown>>;
    }
  /** The instance's last failures, from the log. */
  | { readonly kind: 'errors'; readonly instance: Instance };

/** A call that has been read and checked as a whole. */
export type Request = Known<
  | 'config'
  | 'deadline'
  | 'core'
  | 'provider'
  | 'settings'
  | 'endpoint'
  | 'unread'
  | 'blueprint'
  | 'leftOut'
  | 'policy'
  | 'task'
>;

/**
 * Reads the payload and checks all of it against the action, the provider and its settings.
 *
 * The facts of a step are kept before the next one can fail; mistakes are collected and fail the
 * call together.
 */
export async function readRequest(
  configured: Known<'args' | 'deadline' | 'config'>,
  raw: Readonly<Record<string, unknown>>,
  keep: FactsHolder['keep'],
): Promise<Request> {
  const issues = collectIssues();
  const read = keep(withPayload(configured, raw, issues));
  const resolved = keep({ ...read, row: resolveAction(read.args, read.payload) });
  const provided = keep(await withProvider(resolved, issues));
  const identified = keep({ ...provided, instance: await instanceOf(provided, issues) });
  const permitted = keep(await withCustom(demandProvider(identified, issues)));
  // The failures of an instance can be read also while a setting is what makes them.
  const matter = permitted.custom?.isOwn === true ? collectIssues() : issues;
  const set = keep(withSettings(permitted, matter));
  const complete = keep(withBlueprint(set, matter));
  issues.throwIfAny(attempted(complete));
  return keep({ ...complete, task: await taskOf(complete) });
}

/** Whether the call may change something; a custom action says that it only shows. */
export function mayChange({ row, custom }: Pick<CallFacts, 'row' | 'custom'>): boolean {
  return row === undefined ? custom?.action.effect !== 'shows' : row.changes === true;
}

/** The payload without the parts that are issues now, so that all the others are checked too. */
function withPayload<Facts extends Known<'args'>>(
  facts: Facts,
  raw: Readonly<Record<string, unknown>>,
  issues: Issues,
) {
  const payload = checkPayload(raw, issues);
  const secrets = [...facts.secrets, ...secretsIn(payload)];
  return { ...facts, payload, secrets, caller: readCaller(payload) };
}

function checkPayload(raw: Readonly<Record<string, unknown>>, issues: Issues): Payload {
  const parsed = parsePayload(raw);
  if ('payload' in parsed) return parsed.payload;
  for (const issue of parsed.issues) issues.add('usage', issue);
  const rest = Object.entries(raw).filter(([key]) => !parsed.broken.has(key));
  return checkPayload(Object.fromEntries(rest), issues);
}

/** Texts of the payload that no answer and no log line of any provider may show. */
function secretsIn({ 'cloudstack.vm.details': vm }: Payload): string[] {
  if (typeof vm !== 'object' || vm === null) return [];
  const { vncPassword, vmData, details } = vm as Record<string, unknown>;
  const { password } = (details ?? {}) as Record<string, unknown>;
  const handedOver = (Array.isArray(vmData) ? vmData : [])
    .filter((entry) => Array.isArray(entry) && entry[0] === 'password')
    .map((entry: unknown[]) => entry[2]);
  return [vncPassword, password, ...handedOver].filter((text) => typeof text === 'string');
}

async function withProvider<Facts extends Known<'payload' | 'config' | 'deadline'>>(
  facts: Facts,
  issues: Issues,
) {
  const { startedAs, registry } = facts.world;
  const core = resolveCore(operatorLevels(facts.payload), issues);
  try {
    const provider = await chooseProvider(core.provider, startedAs, registry);
    const here = provider.learn === undefined ? provider : await learnHere(provider, facts);
    return { ...facts, core, provider: here };
  } catch (error) {
    const { message, advice, kind } = expectFailure(error);
    if (kind !== 'config') throw error;
    issues.add('config', advice === undefined ? message : `${message}. ${advice}`);
    return { ...facts, core, provider: undefined };
  }
}

/** Loaded only for a provider whose fields stand outside of this file. */
async function learnHere(
  provider: Provider,
  facts: Known<'payload' | 'config' | 'deadline'>,
): Promise<Provider> {
  const { siteHere } = await import('./call-site.ts');
  return provider.learn?.(siteHere(facts)) ?? provider;
}

async function instanceOf(facts: Known<'payload'>, issues: Issues): Promise<CallFacts['instance']> {
  const needs = facts.row?.needs ?? 'instance';
  if (needs === 'nothing') return undefined;
  const stored = Object.keys(facts.provider?.stored ?? {});
  const readAs =
    needs === 'size' ? (await import('./sized-instance.ts')).readSizedInstance : readInstance;
  const read = await readAs(facts.payload, stored);
  if ('value' in read) return read.value;
  for (const issue of read.issues) issues.add('usage', issue);
  return undefined;
}

function demandProvider<Facts extends CallFacts>(facts: Facts, issues: Issues) {
  const { provider } = facts;
  if (provider !== undefined) return { ...facts, provider };
  issues.throwIfAny(attempted(facts));
  throw new Failure('internal', 'The call has no provider, and no issue says why');
}

/** Loaded for custom actions only: CloudStack's own are asked thousands of times an hour. */
async function withCustom<Facts extends Known<'payload' | 'provider' | 'core'>>(facts: Facts) {
  if (facts.payload.action === undefined) return facts;
  return (await import('./custom.ts')).withCustom(facts);
}

async function taskOf({ row, custom, instance, payload }: Known<'payload'>): Promise<Task> {
  if (row?.needs === 'nothing') return { kind: 'statuses', row };
  if (instance !== undefined) {
    if (row?.needs === 'instance') return { kind: 'instance', row, instance };
    if (row?.needs === 'size' && 'nics' in instance) return { kind: 'sized', row, instance };
    if (custom !== undefined) {
      if (custom.isOwn) return { kind: 'errors', instance };
      const { readParameters } = await import('./custom.ts');
      const parameters = readParameters(custom, payload.parameters, instance);
      return { kind: 'custom', custom, instance, parameters };
    }
  }
  throw new Failure('internal', 'The call has no instance, and no issue says why');
}

function attempted({ args, row, instance }: CallFacts): string {
  if (row === undefined) return `Cannot run ${args?.action}`;
  if (row.needs === 'nothing') return `The instances could not be ${row.pastParticiple}`;
  return `${instance?.name ?? 'The instance'} could not be ${row.pastParticiple}`;
}
