import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { GuestData } from '../../src/contract/guest.ts';
import { Failure } from '../../src/failure.ts';
import { instanceIdFor } from '../../src/guest/instance-id.ts';
import { guestData } from '../../src/guest/sources.ts';
import { guestTexts } from '../../src/guest/texts.ts';

const uuid = '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10';
const address = { address: '10.1.1.23', netmask: '255.255.255.0', dns: [] };
const nic = {
  ...{ deviceId: 0, uuid, mac: '02:01:00:cd:00:01', isDefault: true, ipv4: address },
  ...{ segment: { kind: 'vlan', id: 5 } as const, network: {} },
};
const instance = {
  ...{ uuid, name: 'i-2-42-VM', deploying: true, stored: {}, nics: [nic] },
  sshPublicKey: 'ssh-ed25519 AAAA detail',
};
const guest: GuestData = {
  ...{ instanceId: 'any', hostname: 'web1', publicKeys: ['ssh-ed25519 BBBB own'] },
  ...{ userData: Buffer.from('#cloud-config\na: 1\n'), nics: [], metadata: { role: 'web' } },
};

describe('the sources of what a guest is told', () => {
  it("are CloudStack's own where there are any", () => {
    const data = guestData({ instance: { ...instance, guest }, userData: '#!/bin/sh\nid' });
    assert.equal(data.userData?.toString(), '#cloud-config\na: 1\n');
    assert.deepEqual(data.publicKeys, guest.publicKeys);
    assert.equal(data.hostname, 'web1');
    assert.equal(data.nics[0]?.mac, nic.mac);
    assert.equal(data.instanceId, instanceIdFor(uuid, data.userData));
  });

  it('are the details otherwise, as a text or as base64 of anything', () => {
    const zipped = gzipSync('#cloud-config\n');
    const data = guestData({ instance, userData: zipped.toString('base64') });
    assert.deepEqual(data.userData, zipped);
    assert.deepEqual(data.publicKeys, ['ssh-ed25519 AAAA detail']);
    assert.equal(data.hostname, 'i-2-42-VM');
    const { userData: _, ...rest } = guest;
    const bare = { ...rest, publicKeys: [] };
    const mixed = guestData({ instance: { ...instance, guest: bare }, userData: '#!/bin/sh\nid' });
    assert.equal(mixed.userData?.toString(), '#!/bin/sh\nid');
    assert.deepEqual(mixed.publicKeys, ['ssh-ed25519 AAAA detail']);
  });

  it('make a guest begin anew when its user data change, and for nothing else', () => {
    const id = (more: object): string =>
      guestData({ instance: { ...instance, guest: { ...guest, ...more } } }).instanceId;
    assert.equal(id({ hostname: 'x', publicKeys: ['y'], password: 'z', nics: [] }), id({}));
    assert.notEqual(id({ userData: Buffer.from('#cloud-config\na: 2\n') }), id({}));
    assert.equal(guestData({ instance }).instanceId, uuid);
    const changed = guestData({ instance, vendorData: '#cloud-config\n', askForAddresses: true });
    assert.equal(changed.instanceId, uuid);
    assert.equal(changed.nics[0]?.ipv4, undefined);
  });

  it("become texts for a system with its own cloud-init keys, the keys in the operator's part", () => {
    const texts = guestTexts({ ...guest, password: 'pw', nics: [nic] });
    assert.equal(texts.userData, '#cloud-config\na: 1\n');
    assert.match(texts.vendorData ?? '', /multipart\/mixed/);
    assert.match(texts.networkConfig ?? '', /"10\.1\.1\.23\/24"/);
    assert.match(guestTexts({ ...guest, nics: [] }).vendorData ?? '', /ssh_authorized_keys: \[/);
    const { userData: _, ...none } = guest;
    assert.deepEqual(guestTexts({ ...none, publicKeys: [] }), {});
    const zipped = { ...guest, userData: gzipSync('x') };
    assert.throws(
      () => guestTexts(zipped),
      (thrown) => thrown instanceof Failure && /gzip/.test(thrown.message),
    );
  });
});
