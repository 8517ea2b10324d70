import fc from 'fast-check';
import { builtInActions } from '../../../src/commands/as-cloudstack/time-outs.ts';
import { type Json, recorded } from '../../cloudstack/recorded.ts';
import { type Behaviour, behaviours } from './behaviour.ts';
import { hostileJson, hostileText } from './hostile.ts';
import { secretTexts, withMarkers } from './markers.ts';

/** One call as it is made: plain enough to be kept in a file. */
export interface Example {
  readonly about?: string;
  readonly action: string;
  /** The text of the payload file. */
  readonly payload: string;
  readonly timeout: string;
  readonly behaviour: Behaviour;
}

export const words: readonly string[] = builtInActions;

export const customs: readonly string[] = ['Look', 'Wipe', 'delete', 'Nonsense'];

export interface Change {
  /** Which way to take at each level of the payload, modulo what there is. */
  readonly steps: readonly number[];
  readonly how: 'replace' | 'remove' | 'add' | 'repeat';
  readonly key: string;
  readonly value: string;
}

/** Calls of `provider` that are mostly nearly right, which gets furthest. */
export function examples(provider: string, customActions = customs): fc.Arbitrary<Example> {
  return fc
    .record({
      action: fc.constantFrom(...words),
      custom: onceIn(3, fc.constantFrom(...customActions)),
      role: fc.constantFrom('Admin', 'User', 'DomainAdmin', 'Unknown', undefined),
      secret: fc.constantFrom(...secretTexts),
      changes: fc.array(changes(), { maxLength: 6 }),
      whole: onceIn(60, hostileJson()),
      cut: onceIn(60, fc.double({ min: 0, max: 1, noNaN: true })),
      called: onceIn(60, hostileText()),
      timeout: fc.oneof(
        { weight: 30, arbitrary: fc.constantFrom('30', '600', '1800', '10') },
        { weight: 1, arbitrary: hostileText() },
      ),
      behaviour: behaviours(),
    })
    .map(({ action, custom, role, secret, changes, whole, cut, called, timeout, behaviour }) => {
      // Lists have one use, and the large ones are few.
      const word = behaviour.kind === 'lists' ? 'statuses' : action;
      const from = custom === null ? recorded(word, provider) : recorded('custom', provider);
      const payload = withMarkers(from, { role, secret, custom });
      for (const change of changes) apply(payload, change);
      const text = whole ?? JSON.stringify(payload);
      return {
        action: called ?? custom ?? word,
        payload: cut === null ? text : text.slice(0, Math.floor(text.length * cut)),
        timeout,
        behaviour,
      };
    });
}

export function onceIn<T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

export function changes(): fc.Arbitrary<Change> {
  return fc.record({
    steps: fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 5 }),
    how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'repeat'),
    key: hostileText(),
    value: hostileJson(),
  });
}

/** Makes one change somewhere in a JSON value. */
export function apply(payload: object, { steps, how, key, value }: Change): void {
  let at = payload;
  const [last = 0, ...ways] = [...steps].reverse();
  for (const way of ways.reverse()) {
    const next = (at as Json)[keyAt(at, way)];
    if (typeof next === 'object' && next !== null) at = next;
  }
  const word = keyAt(at, last);
  if (how === 'remove') delete (at as Json)[word];
  else if (how === 'repeat' && Array.isArray(at)) at.push(at[0]);
  else put(at, how === 'add' ? key : word, JSON.parse(value));
}

function keyAt(at: object, way: number): string {
  const keys = Object.keys(at);
  return keys[way % Math.max(1, keys.length)] ?? '';
}

/** Also under `__proto__`, as JSON.parse does it. */
function put(at: object, key: string, value: unknown): void {
  // JSON has no lists with names in them.
  if (Array.isArray(at) && !/^\d{1,4}$/.test(key)) at.push(value);
  else
    Object.defineProperty(at, key, { value, enumerable: true, writable: true, configurable: true });
}
