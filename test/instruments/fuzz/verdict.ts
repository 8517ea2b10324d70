import assert from 'node:assert/strict';
import { encode } from '../../../src/cloudstack/call-result.ts';
import { rowNamed } from '../../../src/cloudstack/resolve-action.ts';
import { splitTimeout } from '../../../src/cloudstack/split-timeout.ts';
import type { Entry } from '../../cloudstack/ledger.ts';
import { formFault } from '../../support/answer-form.ts';
import { powersOf } from './behaviour.ts';
import type { Example } from './example.ts';
import { foreignWord, secretWord, tenantNumber, tenantWord } from './markers.ts';

/** The result of a call: what was printed, what was logged, and what reached the provider. */
export interface Outcome {
  readonly output: string;
  readonly exitCode: number | null;
  readonly log: string;
  readonly entries: readonly Entry[];
  readonly tookMs: number;
}

export type Document = Readonly<Record<string, unknown>>;

/** One JSON document that CloudStack can pass on, and an exit code that says the same. */
export function checkForm({ output, exitCode }: Pick<Outcome, 'output' | 'exitCode'>): Document {
  const fault = formFault(output);
  assert.ok(fault === undefined, fault);
  const document = JSON.parse(output) as Document;
  assert.ok(document['status'] === 'success' || document['status'] === 'error');
  assert.equal(exitCode, document['status'] === 'success' ? 0 : 1);
  if (exitCode === 1) {
    // A report of a place where nothing was made yet is logged at level debug only: no reference would be found.
    const isQuiet = /^No machine (was ever made in this place|here carries a mark)/;
    if (document['ref'] !== undefined || !isQuiet.test(String(document['error']))) {
      assert.match(String(document['ref']), /^r-[0-9a-z]{6}$/);
    }
    assert.ok(String(document['error']).length > 10);
  }
  return document;
}

/** No text of it holds a planted secret, keys included, however it was escaped. */
export function checkSecrets(output: string, log: string): void {
  for (const line of [...output.split('\n'), ...log.split('\n')]) {
    if (line !== '') assert.ok(!holds(JSON.parse(line), secretWord), `a secret: ${line}`);
  }
  assert.ok(!`${output}${log}`.includes(secretWord));
}

/** Every promise of the dispatcher that can be seen from outside of a call. */
export function checkOutcome(example: Example, outcome: Outcome): void {
  const document = checkForm(outcome);
  checkSecrets(outcome.output, outcome.log);
  const { behaviour } = example;
  const { entries } = outcome;
  const error = String(document['error'] ?? '');
  if (behaviour.kind !== 'throws') assert.doesNotMatch(error, /should not happen/);
  for (const { settings } of entries) {
    assert.ok(!holds(settings, tenantWord), 'a tenant chose a setting');
    assert.ok(!Object.values(settings).includes(tenantNumber), 'a tenant chose a number');
  }
  assert.ok(entries.length <= 1, 'asked twice');
  if (document['status'] === 'success')
    assert.equal(entries.length, 1, 'the provider was not called');
  else if (behaviour.kind === 'fine')
    assert.deepEqual(entries, [], 'refused and asked all the same');
  checkTenant(example, document);
  checkStatuses(example, entries, document);
  checkTime(example, outcome.tookMs);
}

/** A caller who is no administrator reads nothing of others in the text that CloudStack shows. */
function checkTenant({ action, payload }: Example, document: Document): void {
  if (document['status'] === 'success') return;
  const { caller, action: custom } = parsed(payload);
  const shown = custom === undefined ? rowNamed(action)?.shownToCaller === true : custom === action;
  if (!shown || (caller as Document | undefined)?.['roletype'] === 'Admin') return;
  assert.ok(!holds(document, foreignWord), `tells a tenant: ${document['error']}`);
}

function checkStatuses(
  { behaviour }: Example,
  entries: readonly Entry[],
  document: Document,
): void {
  const [entry] = entries;
  if (entry === undefined) return;
  if (entry.member !== 'powers' || behaviour.kind !== 'lists') return;
  if (document['status'] !== 'success') {
    assert.match(String(document['error']), /^The answer has \d+ bytes/);
    return;
  }
  const listed = document['power_state'] as Document;
  const wanted = powersOf(behaviour);
  const shown = [...wanted.keys()].map(asPrinted);
  assert.equal(Object.keys(listed).length, new Set(shown).size, 'the list was shortened');
  for (const [name, power] of wanted) {
    assert.ok(Object.hasOwn(listed, asPrinted(name)), `without ${name}`);
    // Names that no instance can have may become one name.
    if (shown.filter((each) => each === asPrinted(name)).length > 1) continue;
    assert.equal(listed[asPrinted(name)], power === 'on' ? 'PowerOn' : 'PowerOff');
  }
}

function asPrinted(name: string): string {
  return Object.keys(JSON.parse(encode({ [name]: '' })))[0] ?? '';
}

function checkTime({ action, timeout }: Example, tookMs: number): void {
  const seconds = Number(timeout);
  const allowed = seconds >= 1 ? splitTimeout(action, Math.min(seconds, 2_147_483)).answerMs : 5000;
  assert.ok(tookMs < allowed, `took ${tookMs} ms of ${allowed}`);
}

function parsed(payload: string): Document {
  try {
    const given: unknown = JSON.parse(payload);
    return typeof given === 'object' && given !== null ? (given as Document) : {};
  } catch {
    return {};
  }
}

export function holds(value: unknown, word: string): boolean {
  if (typeof value === 'string') return value.includes(word);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => key.includes(word) || holds(inner, word));
}

const inherited = Object.getOwnPropertyNames(Object.prototype).sort();

/** The members that every object inherits are those of the beginning of the tests. */
export function checkPrototypes(): void {
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).sort(), inherited);
  assert.equal(({} as Document)['polluted'], undefined);
  assert.equal(([] as unknown as Document)['polluted'], undefined);
}
