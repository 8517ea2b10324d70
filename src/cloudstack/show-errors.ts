import { readFileSync } from 'node:fs';
import type { Caller, Instance } from '../contract/instance.ts';
import { Failure, fullText } from '../failure.ts';
import { newestLines } from '../kit/log-tail.ts';
import { plainName } from '../kit/plain-name.ts';
import { createRedactor } from '../kit/redact.ts';
import { systemCode } from '../kit/system-error.ts';
import { actions as ownRows } from './actions.ts';
import type { Body } from './call-result.ts';
import { actionsOf, ownActions } from './offered-actions.ts';
import { rotatedFiles } from './open-log.ts';
import { outcomeBody } from './outcome.ts';
import type { Request } from './request.ts';

const mostShown = 10;
const longestMs = 5_000;

/** The instance's last failures, as far as this management server has logged them. */
export function showErrors(request: Request, instance: Instance): Body {
  const { config, caller, secrets } = request;
  if (!config.log.enabled) throw noLog();
  const rows = lastFailures(request, instance).map((line) => rowOf(line, caller));
  const message = 'No failures of this instance are known';
  return outcomeBody({ message, rows, toCopy: 'Reference' }, createRedactor(secrets).text);
}

function noLog(): Failure {
  return new Failure('config', 'The log is switched off, so that no failures are known', {
    advice: 'Set "enabled" of "log" in the configuration to true on every management server',
    tenant: 'Failures are not kept here; please ask your administrator',
  });
}

type Line = Readonly<Record<string, unknown>>;

function lastFailures(request: Request, { uuid }: Instance): readonly Line[] {
  const { config, world } = request;
  const found: Line[] = [];
  const ended = new Set<unknown>();
  const until = world.clock() + longestMs;
  for (const text of newestLines(config.log.file, rotatedFiles)) {
    // Most lines are about other instances.
    const line = text.includes(uuid) ? failureIn(text, uuid, ended) : undefined;
    if (line !== undefined && isFor(request, textOf(line['action']))) found.push(line);
    if (found.length >= mostShown || world.clock() > until) break;
  }
  return found;
}

/** The end of a failed call about this very instance, or the beginning of one that was killed. */
function failureIn(text: string, uuid: string, ended: Set<unknown>): Line | undefined {
  const line = parsed(text);
  if (line === undefined || line['vm'] !== uuid) return undefined;
  const { event, call, outcome } = line;
  if (event === 'begin') return ended.has(call) || isRunning(line) ? undefined : killed(line);
  if (event !== 'call') return undefined;
  ended.add(call);
  return outcome === 'success' ? undefined : line;
}

/** Whether the process of the call is there still; an id alone may be another's by now. */
function isRunning({ pid, action }: Line): boolean {
  try {
    return readFileSync(`/proc/${Number(pid)}/cmdline`, 'utf8')
      .split('\0')
      .includes(textOf(action));
  } catch (error) {
    systemCode(error);
    return false;
  }
}

function killed(line: Line): Line {
  const error = 'The call was killed before it could answer, as CloudStack does at the time-out';
  const advice = 'Look at the state of the instance before you try again';
  return { ...line, error, advice, tenant: `${error}. ${advice}.` };
}

/** Another process may have been killed while it wrote its line. */
function parsed(text: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the caller may hear of the action: of those that he may run, and of CloudStack's own. */
function isFor({ provider, caller }: Request, word: string): boolean {
  const row = Object.hasOwn(ownRows, word) ? ownRows[word] : undefined;
  if (row !== undefined) return row.usesFailureMemo !== true;
  const isCalled = (name: string): boolean => plainName(name) === plainName(word);
  if (Object.keys(ownActions).some(isCalled)) return false;
  if (caller?.role === 'Admin') return true;
  const [, action] = Object.entries(actionsOf(provider)).find(([name]) => isCalled(name)) ?? [];
  return action?.roles.includes(caller?.role ?? 'User') === true;
}

function rowOf(line: Line, caller: Caller | undefined) {
  const isAdmin = caller?.role === 'Admin';
  const time = new Date(textOf(line['time']));
  const full = fullText({ message: textOf(line['error']), advice: textOf(line['advice']) });
  const neutral = textOf(line['tenant']) || 'It failed; please ask your administrator.';
  return {
    ...{ Time: time, Action: textOf(line['action']) },
    ...(isAdmin ? { 'Called by': textOf(line['caller']) } : {}),
    ...{ Reference: textOf(line['ref']), Reason: isAdmin ? full : neutral },
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
