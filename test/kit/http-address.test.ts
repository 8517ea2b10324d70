import assert from 'node:assert/strict';
import { it } from 'node:test';
import { encodePairs, path, readEndpoint } from '../../src/kit/http/address.ts';

const read = (text: string, allowPlainHttp = false) =>
  readEndpoint(text, { title: 'Test system', allowPlainHttp });

it('takes a base URL apart', () => {
  assert.deepEqual(read('https://PVE1.example.org:8006/api2/json//'), {
    url: 'https://pve1.example.org:8006/api2/json',
    secure: true,
    host: 'pve1.example.org',
    port: 8006,
    authority: 'pve1.example.org:8006',
    prefix: '/api2/json',
  });
  assert.deepEqual(read('http://[2001:DB8::1]/', true), {
    url: 'http://[2001:db8::1]',
    secure: false,
    host: '2001:db8::1',
    port: 80,
    authority: '[2001:db8::1]:80',
    prefix: '',
  });
  assert.equal(read('https://10.0.0.1').port, 443);
});

it('says what is wrong with an address', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /The address "" of Test system is not an http\(s\) URL/],
    ['pve1', /"pve1" .* is not an http\(s\) URL/],
    ['pve1:8006', /is not an http\(s\) URL/],
    ['https://', /is not an http\(s\) URL/],
    ['https://[::1', /is not an http\(s\) URL/],
    ['https://pve1:99999', /is not an http\(s\) URL/],
    ['ftp://pve1', /is not an http\(s\) URL/],
    ['http://pve1', /is plain http/],
    ['https://pve1/?a=1', /has a query or a fragment/],
    ['https://pve1#x', /has a query or a fragment/],
    ['https://pve1/?', /has a query or a fragment/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => read(text), { kind: 'config', message }, text);
  }
});

it('refuses credentials in an address without repeating them', () => {
  for (const text of ['https://root:geheim@pve1', 'https://geheim@pve1', 'root:geheim@pve1:8006']) {
    assert.throws(
      () => read(text),
      (error: Error) =>
        /holds a user name or a password/.test(error.message) && !/geheim/.test(error.message),
    );
  }
});

it('encodes every part of a path', () => {
  const node = 'a/b?c#d%e f:ü';
  assert.equal(path`/nodes/${node}/qemu/${101}`, '/nodes/a%2Fb%3Fc%23d%25e%20f%3A%C3%BC/qemu/101');
  assert.equal(path`/plain`, '/plain');
  assert.equal(path`${'a'}${'b'}`, 'ab');
});

it('refuses parts that would lead elsewhere', () => {
  for (const part of ['', '.', '..', '\ud800']) {
    assert.throws(() => path`/nodes/${part}`, { kind: 'usage' });
  }
  assert.equal(path`/${'...'}/${'.a'}`, '/.../.a');
});

it('encodes pairs, leaving out what is undefined and repeating lists', () => {
  assert.equal(
    encodePairs({ 'a&b': '=+ é', none: undefined, empty: '', list: ['x', ''], no: [], n: -1.5 }),
    'a%26b=%3D%2B%20%C3%A9&empty=&list=x&list=&n=-1.5',
  );
  assert.throws(() => encodePairs({ a: '\udc00' }), {
    kind: 'usage',
    message: /unpaired surrogate/,
  });
});
