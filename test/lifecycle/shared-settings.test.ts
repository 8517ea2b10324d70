import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as v from 'valibot';
import type { Field } from '../../src/contract/field.ts';
import * as common from '../../src/lifecycle/shared-settings.ts';

const fields = Object.entries(common).filter(
  (entry): entry is [string, Field & (typeof entry)[1]] => typeof entry[1] === 'object',
);

function accepts(field: Field, text: string): boolean {
  return v.safeParse(field.schema(), text).success;
}

it('every default and every example goes through its own schema', () => {
  for (const [name, field] of fields as [string, Field][]) {
    for (const text of [field.default, field.example]) {
      if (text === undefined || field.file === true) continue;
      assert.ok(accepts(field, text), `${name}: ${text}`);
    }
  }
});

it('every field has a sentence about it that starts with a capital and has no full stop', () => {
  for (const [name, { about }] of fields as [string, Field][]) {
    assert.match(about, /^[A-Z][^\n]*[^.]$/, name);
  }
});

it('fingerprints are taken with and without colons, several of them, and nothing else', () => {
  const plain = 'ab'.repeat(32);
  const colons = plain.toUpperCase().replace(/(..)(?=.)/g, '$1:');
  assert.ok(accepts(common.tlsFingerprint, `${plain}, ${colons}`));
  for (const text of [plain.slice(2), `${plain}0`, `sha256:${plain}`, 'any']) {
    assert.ok(!accepts(common.tlsFingerprint, text), text);
  }
});

it('a grace is 60 seconds at most', () => {
  assert.ok(accepts(common.graceSeconds, '60'));
  assert.ok(!accepts(common.graceSeconds, '61'));
});

it('a CA file has to hold certificates', () => {
  assert.ok(accepts(common.caFile, '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----'));
  assert.ok(!accepts(common.caFile, '-----BEGIN PRIVATE KEY-----'));
});
