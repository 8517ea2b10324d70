import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { apiAnswer } from '../../src/commands/as-cloudstack/api-text.ts';
import { conclude } from '../../src/commands/as-cloudstack/conclude.ts';
import { Failure } from '../../src/failure.ts';
import { formFault } from '../support/answer-form.ts';
import { makePlace } from '../support/world.ts';
import { ledger, type Members } from './ledger.ts';
import { changed, recorded } from './recorded.ts';

/** Texts in which everything stands side by side that JSON, Gson and the un-escaping look at. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\\',
        'u',
        '\\u00fc',
        '\\U00FC',
        '0022',
        '"',
        "'",
        '<b>',
        '&',
        '$1',
        '/',
        'ü',
        '☃',
      ),
      fc.constantFrom('\u0000', '\u001b', '\r', '\n', '\t', '\u007f', '\u0085', '\u2028', '\ufeff'),
      fc.constantFrom('\ud800', '\udc00', '😀'),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

/** The parts of a world that end in an answer, all of them made of arbitrary texts. */
interface Texts {
  readonly one: string;
  readonly two: string;
  readonly three: string;
}

const threeTexts: fc.Arbitrary<Texts> = fc.record({ one: texts, two: texts, three: texts });

function speaking({ one, two, three }: Texts): Members {
  const failure = new Failure('conflict', one, { advice: two });
  const fails = async (): Promise<never> => {
    throw failure;
  };
  return {
    prepare: async () => ({ details: { [one]: two }, nics: [{ uuid: two, mac: three }] }),
    create: fails,
    stop: fails,
    reboot: fails,
    delete: async () => {
      throw new Failure('conflict', one, { tenant: two });
    },
    powers: async () => new Map([[one, 'on']]),
    console: async () => ({ kind: 'vnc', host: one, port: 5900, password: two, oneTime: true }),
    run: {
      Look: async () => ({ message: one, rows: [{ [one]: two, Time: three }, { Time: one }] }),
      Wipe: fails,
      delete: async () => ({ message: one }),
    },
  };
}

const calls = ['prepare', 'create', 'stop', 'reboot', 'delete', 'statuses', 'getconsole', 'status'];
const customs = ['Look', 'Wipe', 'delete'];

describe('the text of an answer', () => {
  it('whatever a system, an operator or a tenant wrote, CloudStack can pass every answer on', async (t) => {
    let spoken: Members = {};
    const place = makePlace({ ledger: async () => ledger(spoken).provider });
    t.after(place.remove);
    const check = async (action: string, payload: object, said: object): Promise<void> => {
      const { text, exitCode } = await place.call(action, payload);
      assert.equal(formFault(text), undefined, JSON.stringify({ action, text, ...said }));
      const succeeded = exitCode === 0;
      const line = succeeded ? text.trim() : `Exit code: 1, Output: ${text.trim()}`;
      assert.equal((JSON.parse(apiAnswer(line)) as { details: string }).details, line);
    };
    await fc.assert(
      fc.asyncProperty(threeTexts, async (said) => {
        spoken = speaking(said);
        for (const action of calls) {
          const payload = changed(recorded(action), ['caller', 'roletype'], 'Admin');
          await check(action, payload, said);
        }
        for (const action of customs) {
          const payload = changed(recorded('custom'), ['caller', 'roletype'], 'Admin');
          const parameters = { confirm: payload['virtualmachinename'], word: said.three };
          await check(action, { ...payload, action, parameters }, said);
        }
        // Refusals repeat what the payload and the command line say.
        const odd = changed(recorded('create'), ['externaldetails', 'host', 'nodes'], said.one);
        await check('create', changed(odd, ['virtualmachinename'], said.two), said);
        await check(said.three, { ...recorded('custom'), action: said.three }, said);
      }),
      { numRuns: 150 },
    );
  });

  it('an answer with an escape is one that the caller of the API cannot read', () => {
    const raw = {
      command: [],
      ended: 'exit',
      exitCode: 0,
      succeeded: true,
      output: '',
      stderr: '',
      bytes: 0,
      durationMs: 0,
      payloadLeft: false,
      notes: [],
    } as const;
    const readable = (action: string, text: string) =>
      conclude(action, { ...raw, text }, undefined).unreadable === undefined;
    const broken = [
      '{"m":"gr\\u00fcn"}',
      String.raw`{"m":"gr\\u00fcn"}`,
      '{"m":"\\u0001"}',
      '{"m":"😀"}',
    ];
    for (const text of broken) assert.equal(readable('ListSnapshots', text), false, text);
    for (const text of ['{"m":"grün"}', '{"m":"<a href=\\"x\\">&\\n"}', '']) {
      assert.equal(readable('ListSnapshots', text), true, text);
    }
    // The text of a success of these is never passed on.
    for (const action of ['create', 'stop', 'status'])
      assert.ok(readable(action, '{"m":"\\u00fc"}'));
    const failed = {
      ...raw,
      succeeded: false,
      text: 'Exit code: 1, Output: {"error":"gr\\u00fcn"}',
    };
    for (const action of ['reboot', 'delete', 'stop']) {
      assert.notEqual(conclude(action, failed, {}).unreadable, undefined, action);
    }
  });
});
