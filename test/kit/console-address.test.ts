import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { consoleAddress } from '../../src/kit/console-address.ts';
import { consoleUrl, fillConsoleUrl } from '../../src/lifecycle/shared-settings.ts';

const address = consoleAddress('name', 'uuid', 'rack');

function accepts(text: string): boolean {
  return v.safeParse(address.schema(), text).success;
}

describe('the address of consoles that an operator gives', () => {
  it('a console address must be https without credentials, and may hold only its own words in braces', () => {
    const good = [
      'https://c.example/',
      'https://c.example/{uuid}',
      'https://{name}.c.example:8443/?id={uuid}&rack={rack}',
    ];
    const bad = [
      'http://c.example/{uuid}',
      'https://',
      'https://{',
      'https://user:password@c.example/',
      'https://user@c.example/',
      'https://:password@c.example/',
      'https://c.example/{ticket}',
      'https://c.example/{',
      'javascript:alert(1)//https://',
      'https://c.example/ {uuid}',
    ];
    for (const text of good) assert.ok(accepts(text), text);
    for (const text of bad) assert.ok(!accepts(text), text);
  });

  it('the refusal of a console address names the words it may hold', () => {
    const result = v.safeParse(address.schema(), 'https://c.example/{ticket}');
    assert.match(result.issues?.[0].message ?? '', /only \{name\}, \{uuid\} and \{rack\} vary/);
  });

  it('a console address keeps its host whatever values are filled in', () => {
    const values = { name: '../?x#', uuid: '{rack}', rack: 'a&b@c' };
    const filled = address.fill('https://c.example/{name}/{uuid}?{rack}{rack}', values);
    assert.equal(filled, 'https://c.example/..%2F%3Fx%23/%7Brack%7D?a%26b%40ca%26b%40c');
  });
});

it('the usual console address may hold the name and the UUID only', () => {
  const accepted = (text: string): boolean => v.safeParse(consoleUrl.schema(), text).success;
  assert.ok(accepted('https://{name}.c.example/{uuid}'));
  assert.ok(!accepted('https://c.example/{rack}'));
  const instance = { name: 'i-2-42-VM', uuid: 'b1', other: 1 };
  assert.equal(
    fillConsoleUrl('https://c.example/{name}/{uuid}', instance),
    'https://c.example/i-2-42-VM/b1',
  );
});
