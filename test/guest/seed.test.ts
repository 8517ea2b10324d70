import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { GuestData } from '../../src/contract/guest.ts';
import { seedImage } from '../../src/guest/seed.ts';
import { skipWithout } from '../support/debian.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-seed-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const nics: GuestData['nics'] = [
  {
    mac: '02:01:00:cd:00:01',
    isDefault: true,
    mtu: 1450,
    ipv4: { address: '10.1.1.23', netmask: '255.255.255.0', gateway: '10.1.1.1', dns: ['9.9.9.9'] },
    ipv6: { address: 'fd00::23', cidr: 'fd00::/64', gateway: 'fd00::1', dns: [] },
  },
  {
    mac: '02:01:00:cd:00:02',
    isDefault: false,
    ipv4: { address: '10.2.0.7', netmask: '255.255.0.0', gateway: '10.2.0.1', dns: [] },
  },
  { mac: '02:01:00:cd:00:03', isDefault: false },
];

const plain: GuestData = {
  instanceId: '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10-0123456789ab',
  hostname: 'web1',
  publicKeys: ['ssh-ed25519 AAAAC3Nza me@home "quoted": {x}'],
  userData: Buffer.from('#cloud-config\npackages: [nginx]\n'),
  ...{ nics, metadata: { role: 'web' } },
};

let images = 0;

function run(command: string, args: readonly string[], input?: string): Buffer {
  const done = spawnSync(command, args, { maxBuffer: 2 ** 26, input });
  assert.equal(done.status, 0, `${command}: ${done.stderr}`);
  return done.stdout;
}

function imageOf(guest: GuestData, form?: 'cloud-init' | 'cloudbase-init'): string {
  images += 1;
  const file = join(folder, `${images}.iso`);
  writeFileSync(file, seedImage(guest, form));
  return file;
}

/** The files of the image as bsdtar unpacks them. */
function unpacked(guest: GuestData, form?: 'cloudbase-init'): string {
  const place = join(folder, `unpacked-${images}`);
  mkdirSync(place);
  run('bsdtar', ['-xf', imageOf(guest, form), '-C', place]);
  return place;
}

interface Part {
  readonly type: string;
  readonly text: string;
}

/** The seed as Debian's cloud-init understands it. */
interface Understood {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly instance_id: string;
  readonly hostname: string;
  readonly keys: readonly string[];
  readonly user: string;
  readonly user_parts: readonly Part[];
  readonly vendor_parts: readonly Part[];
  readonly eni: Readonly<Record<string, string>>;
  readonly netplan: string;
}

function understood(guest: GuestData): Understood {
  const script = join(process.cwd(), 'test/guest/nocloud.py');
  return JSON.parse(run('/usr/bin/python3', [script, unpacked(guest)]).toString());
}

const text = (part: Part | undefined): string => Buffer.from(part?.text ?? '', 'base64').toString();

/** Texts of tenants that have broken programs like this one. */
const hostile: Readonly<Record<string, Buffer>> = {
  'quotes and line ends': Buffer.from('#cloud-config\nx: "a\\"b\'c"\r\n---\n...\n%YAML\n'),
  'our own delimiters': Buffer.from('#cloud-config\n--=outrigger=0=\nEND\nmerge_how: []\n'),
  'NUL and control characters': Buffer.from('#!/bin/sh\n\u0000\u0001\u007f\u0085\u2028\n'),
  'invalid UTF-8': Buffer.from([0x23, 0x21, 0xff, 0xfe, 0xc0, 0x80, 0x0a]),
  'names of paths': Buffer.from('../../../etc/shadow\nfile:///etc/passwd\n'),
  gzip: Buffer.from('H4sIAAAAAAACA1NOzskvTdFNzs9Ly0znAgAFVrO4DgAAAA==', 'base64'),
  'a mebibyte': Buffer.alloc(2 ** 20, 'abcdefghij\n'),
  'exactly one sector': Buffer.alloc(2048, 'x'),
};

describe('a seed', { skip: skipWithout('/usr/bin/isoinfo', 'genisoimage') }, () => {
  it('is an image that isoinfo reads, with the label and the names of both extensions', () => {
    const file = imageOf(plain);
    const facts = run('isoinfo', ['-d', '-i', file]).toString();
    assert.match(facts, /Volume id: cidata\n/);
    assert.match(facts, /Joliet with UCS level 3 found/);
    assert.match(facts, /Rock Ridge signatures version 1 found/);
    for (const names of [['-R'], ['-J']]) {
      const list = run('isoinfo', ['-f', ...names, '-i', file])
        .toString()
        .split('\n')
        .sort();
      const expected = ['', '/meta-data', '/network-config', '/user-data'];
      assert.deepEqual(
        list.map((name) => name.replace(/;1$/, '')),
        expected,
      );
    }
  });

  it('holds every user data byte for byte, whichever extension the reader goes by', () => {
    for (const [what, userData] of Object.entries(hostile)) {
      const file = imageOf({ ...plain, userData });
      for (const names of ['-R', '-J']) {
        const path = names === '-R' ? '/user-data' : '/user-data;1';
        const found = run('isoinfo', [names, '-x', path, '-i', file]);
        assert.ok(found.equals(userData), `${what} by ${names}`);
      }
    }
  });

  it('is the same for the same data, byte for byte', () => {
    assert.ok(seedImage(plain).equals(seedImage({ ...plain })));
    assert.ok(!seedImage(plain).equals(seedImage({ ...plain, hostname: 'web2' })));
  });

  it('for Windows is a config drive, with folders', () => {
    const windows: GuestData = { ...plain, password: 'a"b', system: 'windows' };
    assert.match(
      run('isoinfo', ['-d', '-i', imageOf(windows)]).toString(),
      /Volume id: config-2\n/,
    );
    const latest = join(unpacked(windows), 'openstack/latest');
    const read = (name: string): string => readFileSync(join(latest, name), 'utf8');
    const meta = JSON.parse(read('meta_data.json'));
    assert.deepEqual(
      [meta.uuid, meta.hostname, meta.admin_pass],
      [plain.instanceId, 'web1', 'a"b'],
    );
    assert.deepEqual(Object.values(meta.public_keys), plain.publicKeys);
    assert.equal(read('user_data'), plain.userData?.toString());
    const { links, networks } = JSON.parse(read('network_data.json'));
    assert.equal(links[0].ethernet_mac_address, '02:01:00:cd:00:01');
    const [first, six, second, third] = networks;
    assert.deepEqual([first.ip_address, first.netmask], ['10.1.1.23', '255.255.255.0']);
    assert.equal(first.routes[0].gateway, '10.1.1.1');
    assert.equal(six.netmask, 'ffff:ffff:ffff:ffff:0:0:0:0');
    assert.deepEqual(second.routes, []);
    assert.equal(third.type, 'ipv4_dhcp');
  });
});

const withoutCloudInit = skipWithout('/usr/bin/cloud-init', 'cloud-init libarchive-tools');

describe("Debian's cloud-init, given a seed,", { skip: withoutCloudInit }, () => {
  it('finds identity, name, keys and the facts of the tenant', () => {
    const found = understood({ ...plain, metadata: { role: 'w"e\n: b', seedfrom: 'http://x/' } });
    assert.equal(found.instance_id, plain.instanceId);
    assert.equal(found.hostname, 'web1');
    assert.deepEqual(found.keys, plain.publicKeys);
    assert.equal(found.metadata['role'], 'w"e\n: b');
    assert.equal(found.metadata['seedfrom'], undefined);
  });

  it('lets no fact of a tenant take the place of one of ours', () => {
    const forged = { 'instance-id': 'evil', 'local-hostname': 'evil', 'public-keys': 'evil' };
    const found = understood({ ...plain, metadata: forged });
    assert.deepEqual([found.instance_id, found.hostname], [plain.instanceId, 'web1']);
    assert.deepEqual(found.keys, plain.publicKeys);
  });

  it('reads metadata of any letters', () => {
    const odd = '\u0000\u0007\u0085\u2028\u{1f600}\ud800"\\\'#: [';
    const found = understood({ ...plain, metadata: { odd } });
    assert.equal(found.metadata['odd'], odd.replace('\ud800', '\ufffd'));
  });

  it('gets every user data byte for byte', () => {
    for (const [what, userData] of Object.entries(hostile)) {
      const { user } = understood({ ...plain, userData });
      assert.ok(Buffer.from(user, 'base64').equals(userData), what);
    }
    const { userData: _, ...none } = plain;
    assert.equal(understood(none).user, '');
  });

  it('configures each NIC by its MAC address, and lets only the default one lead out', () => {
    const { netplan, eni } = understood({ ...plain });
    assert.match(netplan, /- 10\.1\.1\.23\/24\n +- fd00::23\/64/);
    assert.match(netplan, /macaddress: 02:01:00:cd:00:03/);
    const interfaces = eni['etc/network/interfaces'] ?? '';
    assert.match(
      interfaces,
      /iface eth0 inet static\n +address 10\.1\.1\.23\/24\n(.*\n)*? +gateway 10\.1\.1\.1/,
    );
    assert.match(interfaces, /address fd00::23\/64\n(.*\n)*? +gateway fd00::1/);
    assert.match(interfaces, /mtu 1450/);
    assert.match(interfaces, /iface eth1 inet static\n +address 10\.2\.0\.7\/16/);
    assert.doesNotMatch(interfaces, /10\.2\.0\.1\b/);
    assert.match(interfaces, /iface eth2 inet dhcp/);
    const { netplan: alone } = understood({ ...plain, nics: nics.slice(0, 1), moreNics: true });
    assert.match(alone, /others:\n +dhcp4: true\n +match:\n +name: e\*\n +optional: true/);
  });

  it("gets a password in the vendor's part, as text whatever its letters, beside the operator's", () => {
    const password = 'a"b\\c\n#: {x} $(id) \u{1f600}';
    const vendorData = Buffer.from('#cloud-config\nntp: {enabled: true}\n');
    const { vendor_parts, user_parts } = understood({ ...plain, password, vendorData });
    const [operators, ours, hook] = vendor_parts;
    assert.equal(text(operators), vendorData.toString());
    const file = join(folder, 'vendor.yaml');
    writeFileSync(file, text(ours));
    run('cloud-init', ['schema', '--config-file', file]);
    const script = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))';
    const read = JSON.parse(run('/usr/bin/python3', ['-c', script], text(ours)).toString());
    assert.deepEqual(read, { password, chpasswd: { expire: false }, ssh_pwauth: true });
    assert.equal(hook?.type, 'text/cloud-boothook');
    assert.equal(text(user_parts[0]), plain.userData?.toString());
  });

  it('sets a new password in a later boot once, and leaves the first boot to itself', () => {
    const hook = text(understood({ ...plain, password: 'pw' }).vendor_parts[1]);
    const base = join(folder, 'cloud');
    const script = join(folder, 'hook.sh');
    writeFileSync(script, hook.replace('/var/lib/cloud', base));
    mkdirSync(join(base, 'instance/sem'), { recursive: true });
    const perBoot = join(base, 'scripts/per-boot/outrigger-password');
    run('sh', [script]);
    assert.ok(!existsSync(perBoot), 'at the first boot');
    writeFileSync(join(base, 'instance/sem/config_set_passwords'), '');
    run('sh', [script]);
    assert.ok(!existsSync(perBoot), 'the same seed again');
    const next = text(understood({ ...plain, password: 'another' }).vendor_parts[1]);
    writeFileSync(script, next.replace('/var/lib/cloud', base));
    run('sh', [script]);
    assert.match(
      readFileSync(perBoot, 'utf8'),
      /single --name set_passwords --frequency always\n$/,
    );
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'cloud-init'), '#!/bin/sh\necho "$@"\n');
    chmodSync(join(bin, 'cloud-init'), 0o755);
    const told = run('/usr/bin/env', [`PATH=${bin}:/usr/bin:/bin`, perBoot]).toString();
    assert.equal(told, 'single --name set_passwords --frequency always\n');
    assert.ok(!existsSync(perBoot), 'it runs once');
  });
});
