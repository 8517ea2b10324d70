import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import {
  list,
  longText,
  matchesAny,
  oneOf,
  text,
  wholeNumber,
  yesNo,
} from '../../src/kit/fields.ts';

type Schema = () => v.GenericSchema<string, unknown>;
const value = (schema: Schema, given: string) => v.parse(schema(), given);
const complaint = (schema: Schema, given: string) => {
  const result = v.safeParse(schema(), given);
  assert.equal(result.success, false, `${JSON.stringify(given)} was taken`);
  return result.issues?.[0].message ?? '';
};

describe('a field of', () => {
  it('a text field is one trimmed line without control characters', () => {
    assert.equal(value(text(), '  a b '), 'a b');
    for (const given of ['a\nb', 'a\u0000', 'a\u001b[31m', 'a\u2028b']) {
      assert.match(complaint(text(), given), /control characters/);
    }
    const solid = text({ pattern: /^\S+$/, wants: 'no blanks' });
    assert.match(complaint(solid, 'a\u001b[31m'), /control characters/);
    assert.match(complaint(text(), ' '), /empty/);
    assert.match(complaint(text({ most: 3 }), 'abcd'), /3 characters/);
    assert.match(
      complaint(text({ pattern: /^[a-z]+$/, wants: 'small letters' }), 'A'),
      /small letters/,
    );
    assert.equal(value(longText(100), 'a\nb'), 'a\nb');
  });

  it('a whole-number field accepts 3, 3.0 and blanks around them only', () => {
    for (const given of ['3', '3.0', ' 3 ', '+3']) assert.equal(value(wholeNumber(), given), 3);
    for (const given of [
      '',
      '3.5',
      '3,0',
      '0x3',
      '1e3',
      'three',
      '٣',
      '99999999999999999999',
      'NaN',
      '-1',
    ]) {
      assert.match(complaint(wholeNumber(), given), /whole number/);
    }
    assert.match(complaint(wholeNumber({ min: 2, max: 4 }), '5'), /from 2 to 4/);
    assert.equal(value(wholeNumber({ min: -5 }), '-5'), -5);
  });

  it('a yes-or-no field accepts true, yes, on, 1 and their opposites', () => {
    for (const given of ['true', 'TRUE', 'yes', 'on', '1']) assert.equal(value(yesNo, given), true);
    for (const given of ['false', 'No', 'off', '0']) assert.equal(value(yesNo, given), false);
    assert.match(complaint(yesNo, 'maybe'), /true or false/);
  });

  it('a one-of field accepts its words in any case', () => {
    assert.equal(value(oneOf('iso', 'template'), 'ISO'), 'iso');
    assert.match(complaint(oneOf('iso', 'template'), 'disk'), /one of iso, template/);
  });

  it('a list field is split at commas', () => {
    assert.deepEqual(value(list(), ' a, b,,c '), ['a', 'b', 'c']);
    assert.deepEqual(value(list(), ' , '), []);
    assert.match(complaint(list({ most: 1 }), 'a,b'), /1 entries/);
    assert.match(complaint(list(), 'a,b\u001b[31m'), /control characters/);
    assert.match(complaint(list({ pattern: /^\d+$/, wants: 'numbers' }), '1,x'), /numbers/);
  });
});

describe('a pattern', () => {
  it('a pattern matches the whole text, with * for anything and all other characters literal', () => {
    assert.ok(matchesAny('debian-12', ['ubuntu-*', 'debian-*']));
    assert.ok(matchesAny('a.b', ['a.b']));
    assert.ok(!matchesAny('axb', ['a.b']));
    assert.ok(!matchesAny('xdebian-12', ['debian-*']));
    assert.ok(!matchesAny('debian-12\nevil', ['debian-12']));
    assert.ok(matchesAny('debian-12-arm', ['*-12-*']));
    assert.ok(!matchesAny('debian-12-arm', ['*-12']));
    assert.ok(!matchesAny('aba', ['ab*ba']), 'no sign counts twice');
    assert.ok(!matchesAny('a-b-c', ['a*b*b*c']), 'nor does a piece in the middle');
    assert.ok(!matchesAny('a-c-b-d', ['a*b*c*d']), 'the pieces have their order');
    assert.ok(matchesAny('anything', ['*']));
    assert.ok(matchesAny('ab', ['a*b']), 'which may be nothing');
    assert.ok(matchesAny('debian-12', ['*deb*']), 'also in front');
    assert.ok(!matchesAny('anything', []));
  });
});
