import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { matchesAny } from '../../../src/kit/fields.ts';
import { nearest } from '../../../src/kit/nearest.ts';
import { createRedactor } from '../../../src/kit/redact.ts';
import { readMark, withoutMark, writeMark } from '../../../src/lifecycle/mark.ts';
import { hostileText } from './hostile.ts';
import { tryMany } from './runs.ts';

const many = { few: 150, long: 20_000 };

describe('The parts that read what others wrote', () => {
  it('allow-lists match patterns with any number of wildcards as an expression would, and at once', async () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n'), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
    await tryMany('patterns', fc.tuple(letters, pattern), many, ([text, allowed]) => {
      const parts = allowed.split('*').map((part) => part.replace(/\./g, '\\.'));
      const wanted = new RegExp(`^${parts.join('[^]*')}$`).test(text);
      assert.equal(matchesAny(text, [allowed]), wanted);
    });
    const started = performance.now();
    assert.equal(matchesAny(`${'a'.repeat(255)}b`, [`${'*a'.repeat(100)}*c`]), false);
    assert.ok(performance.now() - started < 100);
  });

  it('the reader of marks gives any mark back as it was written, beside any words', async () => {
    const marks = fc.record(
      {
        uuid: hostileText(),
        name: hostileText(),
        installation: hostileText(),
        remoteId: hostileText(),
        state: fc.constantFrom('building', 'built'),
        origin: fc.constantFrom('created', 'adopted'),
      },
      { noNullPrototype: true },
    );
    await tryMany('marks', fc.tuple(marks, hostileText()), many, ([mark, words]) => {
      const found = readMark(`${words}\n\n${writeMark(mark)}`);
      const clear = ![mark.uuid, mark.name, mark.installation, mark.remoteId, words].some((text) =>
        /\[outrigger:|\}\]/.test(text),
      );
      if (clear) assert.deepEqual(found, mark);
      assert.equal(typeof withoutMark(`${words}${writeMark(mark)}`), 'string');
    });
  });

  it('the reader of marks takes a text for a mark only when it is one', async () => {
    await tryMany('no-marks', hostileText(), many, (text) => {
      assert.ok([undefined, 'unreadable'].includes(readMark(`[outrigger:${text}]`) as undefined));
      assert.equal(readMark(text.replace('[outrigger:', '')), undefined);
    });
  });

  it('the redactor leaves no secret in any text, with any characters around it', async () => {
    const secrets = fc.array(
      hostileText().filter((text) => text.length >= 4),
      { minLength: 1, maxLength: 4 },
    );
    await tryMany('redactor', fc.tuple(secrets, hostileText()), many, ([hidden, around]) => {
      const { text } = createRedactor(hidden);
      const said = text(hidden.map((secret) => `${around}${secret}`).join(around));
      // The replacement of a secret may itself be one, as may the rest beside it.
      for (const secret of hidden.filter((one) => !one.includes('*'))) {
        assert.ok(!said.includes(secret), JSON.stringify({ said, secret }));
      }
    });
  });

  it('the redactor leaves no secret in a text that was cut inside of it', async () => {
    const secret = 'S3CR3T-0123456789';
    const cut = fc.tuple(
      hostileText(),
      fc.integer({ min: 4, max: 16 }),
      fc.constantFrom('', '...', '"'),
    );
    await tryMany('cut', cut, many, ([around, length, end]) => {
      const said = createRedactor([secret]).text(`${around}${secret.slice(0, length)}${end}`);
      assert.ok(!said.includes('S3CR'), said);
    });
    assert.equal(createRedactor([secret]).text('S3CR is a word'), 'S3CR is a word');
  });

  it('a suggestion is one of the known words, or none', async () => {
    await tryMany(
      'nearest',
      fc.tuple(hostileText(), fc.array(hostileText())),
      many,
      ([word, all]) => {
        const found = nearest(word, all);
        assert.ok(found === undefined || all.includes(found));
      },
    );
  });
});
