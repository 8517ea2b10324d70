import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { newMachine, show } from '../../../fakes/maas/machine.ts';
import { isUserData } from '../../../src/guest/user-data.ts';
import { apiUrl } from '../../../src/providers/maas/api/endpoint.ts';
import { authorization, readApiKey } from '../../../src/providers/maas/api/oauth.ts';
import { oneLine } from '../../../src/providers/maas/api/schemas.ts';
import { readMachine, readMachines } from '../../../src/providers/maas/api/wire.ts';
import { homeOf } from '../../../src/providers/maas/machine/annotations.ts';
import { matchInterfaces } from '../../../src/providers/maas/machine/interfaces.ts';
import { userDataFor } from '../../../src/providers/maas/machine/user-data.ts';

describe('the endpoint', () => {
  const meanings: Readonly<Record<string, string>> = {
    'maas.example.org': 'http://maas.example.org:5240/MAAS/api/2.0',
    '10.0.0.5': 'http://10.0.0.5:5240/MAAS/api/2.0',
    'http://10.0.0.5': 'http://10.0.0.5:5240/MAAS/api/2.0',
    'http://10.0.0.5:80': 'http://10.0.0.5/MAAS/api/2.0',
    '10.0.0.5:8080': 'http://10.0.0.5:8080/MAAS/api/2.0',
    '10.0.0.5:5443': 'https://10.0.0.5:5443/MAAS/api/2.0',
    'maas.example.org:443': 'https://maas.example.org/MAAS/api/2.0',
    'https://maas.example.org': 'https://maas.example.org/MAAS/api/2.0',
    'https://maas.example.org:5443/MAAS': 'https://maas.example.org:5443/MAAS/api/2.0',
    'https://maas.example.org/MAAS/api/2.0/': 'https://maas.example.org/MAAS/api/2.0',
    'https://proxy.example.org/site-a': 'https://proxy.example.org/site-a/MAAS/api/2.0',
    'fd00::5': 'http://[fd00::5]:5240/MAAS/api/2.0',
    '[fd00::5]:5443': 'https://[fd00::5]:5443/MAAS/api/2.0',
  };
  for (const [given, url] of Object.entries(meanings)) {
    it(`"${given}" means ${url}`, () => assert.equal(apiUrl(given), url));
  }

  it('nothing else is an endpoint', () => {
    const wrong = ['', 'ftp://x', 'https://u:p@x', 'https://x/?a=b', 'https://x/#a', 'a b'];
    for (const given of wrong) assert.equal(apiUrl(given), undefined, given);
  });
});

describe('the Authorization header', () => {
  it('quotes what it holds and has another nonce each time', () => {
    const key = readApiKey('con:tok:se"c%ret');
    const [one, two] = [
      authorization(key, 1_700_000_000_999),
      authorization(key, 1_700_000_000_999),
    ];
    assert.match(one, /^OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT"/);
    assert.match(one, /oauth_signature="%26se%22c%25ret", oauth_timestamp="1700000000"/);
    assert.notEqual(one, two);
  });
});

describe('user data', () => {
  const config = '#cloud-config\npackages: [nginx]\n';
  const decode = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString('utf8');
  const key = 'ssh-ed25519 AAAAC3Nza me@home "quoted": {x}';

  it('is taken as it is or in base64, and nothing else is', () => {
    const right = [
      config,
      '#!/bin/sh\nid',
      Buffer.from(config).toString('base64'),
      'Content-Type: multipart/mixed',
    ];
    for (const text of right) assert.ok(isUserData(text), text);
    for (const text of ['hello', 'aGVsbG8=', '{}', '====', 'aGVsbG8'])
      assert.ok(!isUserData(text), text);
  });

  it('becomes base64 once, whichever way it came', () => {
    assert.equal(decode(userDataFor({}, config)), config);
    assert.equal(decode(userDataFor({}, Buffer.from(config).toString('base64'))), config);
    assert.equal(userDataFor({}, undefined), undefined);
  });

  it('carries the instance’s keys even where there is no other, each safe in its quotes', () => {
    const made = decode(userDataFor({ sshPublicKey: `${key}\n\n${key}` }, undefined));
    assert.match(made, /^#cloud-config\n/);
    const line = made.split('\n').find((each) => each.startsWith('ssh_authorized_keys: '));
    assert.deepEqual(JSON.parse(line?.slice('ssh_authorized_keys: '.length) ?? ''), [key, key]);
  });

  it('keeps its own part beside the keys, which are added to its own', () => {
    const made = decode(userDataFor({ sshPublicKey: key }, config));
    const boundary = /boundary="([^"]+)"/.exec(made)?.[1] as string;
    const parts = made.split(`--${boundary}`).slice(1, -1);
    assert.equal(parts.length, 2);
    const bodies = parts.map((part) => decode(part.split('\n\n')[1]));
    assert.equal(bodies[0], config);
    assert.match(bodies[1] as string, /merge_how: .*append/);
    assert.match(parts[0] as string, /text\/cloud-config/);
  });

  it('may be anything that cloud-init knows, each under its own type', () => {
    const packed = gzipSync(config);
    const own: readonly (readonly [string, string, string | Buffer])[] = [
      ['#!/bin/sh\nid', 'Content-Type: text/plain\n', '#!/bin/sh\nid'],
      [packed.toString('base64'), 'Content-Type: application/gzip\n', packed],
    ];
    for (const [given, type, bytes] of own) {
      assert.ok(isUserData(given), type);
      const made = decode(userDataFor({ sshPublicKey: key }, given));
      assert.ok(made.includes(type), type);
      assert.ok(made.includes(Buffer.from(bytes).toString('base64').slice(0, 40)), type);
    }
    const mime = 'Content-Type: text/x-shellscript\n\n#!/bin/sh\nid\n';
    assert.ok(decode(userDataFor({ sshPublicKey: key }, mime)).includes(`=\n${mime}`));
  });

  it('in base64 may be wrapped, as the base64 command does it, but not cut short', () => {
    const whole = Buffer.from(`${config}${'# more\n'.repeat(20)}`);
    const wrapped = whole.toString('base64').replace(/.{76}/g, '$&\n');
    assert.equal(userDataFor({}, wrapped), whole.toString('base64'));
    assert.ok(!isUserData(wrapped.slice(0, 102)));
  });

  it('for Windows is left alone', () => {
    const script = '#ps1_sysnative\nWrite-Host hello';
    assert.equal(decode(userDataFor({ sshPublicKey: key }, script)), script);
  });
});

describe('what MAAS sends', () => {
  it('is refused where it is not what was asked for, with the place', () => {
    assert.throws(() => readMachines({}), /MAAS sent something that is not a list of machines/);
    assert.throws(() => readMachine([]), /not a machine \(/);
    const listed = [show(newMachine()), { ...show(newMachine()), status: 'Ready' }];
    assert.throws(() => readMachines(listed), /not a machine \(status: /);
  });

  it('may lack what is not needed', () => {
    const { hostname, interface_set, locked } = readMachine({ system_id: 'x', status: 6 });
    assert.deepEqual([hostname, interface_set, locked], ['', [], false]);
  });

  it('becomes one short line without anything that steers a terminal', () => {
    assert.equal(oneLine(' a\n\tb\u0007\u202ec ', 10), 'a b c');
    assert.equal(oneLine('x'.repeat(11), 10), `${'x'.repeat(10)}...`);
    assert.equal(oneLine('x'.repeat(10), 10), 'x'.repeat(10));
  });
});

describe('the annotations of a machine', () => {
  it('go by another name in older versions of MAAS', () => {
    const { workload_annotations: _, ...older } = show(newMachine()) as Record<string, unknown>;
    const machine = readMachine({ ...older, owner_data: { 'outrigger-home': 'pool-a' } });
    assert.equal(homeOf(machine), 'pool-a');
  });
});

describe('interfaces', () => {
  const machine = newMachine();
  const [second, boot] = machine.interfaces;
  const wire = (more = {}) => readMachine({ ...show(machine), ...more });
  const nic = (uuid: string) => ({ uuid }) as never;
  const macs = (interfaces: string[], nics = ['n0', 'n1'], more = {}) =>
    matchInterfaces(wire(more), { nics: nics.map(nic) }, { interfaces }).map(({ mac }) => mac);

  it('the boot interface is the one MAAS names, not the first in its list', () => {
    assert.deepEqual(macs(['boot']), [boot?.mac]);
  });

  it('can be chosen by name, MAC address or subnet', () => {
    assert.deepEqual(macs(['eno2']), [second?.mac]);
    assert.deepEqual(macs([(second?.mac ?? '').toUpperCase()]), [second?.mac]);
    assert.deepEqual(macs(['subnet:10.2.0.0/16', 'subnet:net-1']), [second?.mac, boot?.mac]);
  });

  it('NICs beyond the list, interfaces that are not there and second uses give nothing', () => {
    assert.deepEqual(macs(['boot', 'boot', 'eno9'], ['n0', 'n1', 'n2', 'n3']), [boot?.mac]);
    assert.deepEqual(macs(['boot'], ['n0'], { interface_set: [], boot_interface: null }), []);
    assert.deepEqual(macs(['boot'], []), []);
  });
});
