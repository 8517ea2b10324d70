import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parsePayload } from '../../src/cloudstack/payload.ts';
import { readSizedInstance } from '../../src/cloudstack/sized-instance.ts';
import {
  guestDataFrom,
  readMetadata,
  readVmData,
  type VmDatum,
  vmDataEntries,
} from '../../src/cloudstack/vm-data.ts';
import type { GuestData } from '../../src/contract/guest.ts';
import { Failure } from '../../src/failure.ts';
import { makePlace } from '../support/world.ts';
import { ledger } from './ledger.ts';
import type { Json } from './recorded.ts';

function payloadOf(name: string): Json {
  return JSON.parse(readFileSync(join(process.cwd(), `test/payloads/guest/${name}.json`), 'utf8'));
}

/** As the network half gets it. */
function savedIn(name: string): readonly VmDatum[] {
  return (payloadOf(name)['payload'] as { vm_data: VmDatum[] }).vm_data;
}

async function guestIn(name: string): Promise<GuestData | undefined> {
  const parsed = parsePayload(payloadOf(name));
  assert.ok('payload' in parsed);
  const read = await readSizedInstance(parsed.payload, []);
  assert.ok('value' in read, JSON.stringify(read));
  return read.value.guest;
}

describe("CloudStack's data for a guest", () => {
  it('come with create and start where ConfigDrive is the provider of user data', async () => {
    const guest = await guestIn('configdrive-create-vmData');
    assert.equal(guest?.userData?.toString(), '#cloud-config\n# Gr\u00fc\u00dfe\n');
    assert.equal(guest.hostname, 'cdx1');
    assert.equal(guest.password, 'DUMMYpw');
    assert.equal(guest.publicKeys.length, 1);
    assert.equal(guest.nics[0]?.mac, '02:03:00:e9:00:05');
    const later = await guestIn('configdrive-start-new-userdata');
    assert.notEqual(later?.instanceId, guest.instanceId);
    assert.match(guest.instanceId, /^2d89721f-ac80-47ed-8c3b-a6c13c80b1f5-[0-9a-f]{12}$/);
  });

  it('keep gzip whole, and are there without user data on a network without services', async () => {
    const zipped = await guestIn('configdrive-create-gzip-intact');
    assert.deepEqual([...(zipped?.userData?.subarray(0, 2) ?? [])], [0x1f, 0x8b]);
    const bare = await guestIn('shared-no-services-create-vmData');
    assert.equal(bare?.userData, undefined);
    assert.equal(bare?.instanceId, '5d524eca-fe42-4dce-bc57-17ca9cc1be48');
    assert.equal(bare?.password, undefined);
  });

  it('are refused by the network half where gzip was spoiled on the way', () => {
    const read = () => readVmData(savedIn('l2-save-vm-data-gzip-destroyed'), 'text');
    assert.throws(read, (thrown) => thrown instanceof Failure && /gzip/.test(thrown.message));
  });

  it('keep parts and line ends as CloudStack merged them, and name Windows', () => {
    const { userData } = readVmData(savedIn('l2-save-vm-data-mime-append'), 'text');
    assert.match(userData?.toString() ?? '', /^MIME-Version: 1\.0\r\nContent-Type: multipart/);
    const windows = readVmData(savedIn('l2-save-vm-data-windows-password'), 'text');
    assert.deepEqual([windows.system, windows.password], ['windows', 'DUMMYpw']);
    const keys = readVmData(savedIn('l2-save-vm-data-two-keys-no-userdata'), 'text').publicKeys;
    assert.equal(keys.length, 2);
  });

  it('are of the instance that CloudStack means, no matter which keys a tenant adds', () => {
    const entries = savedIn('l2-save-vm-data-userdatadetails-injection');
    assert.ok(entries.some(({ content }) => content === 'evil'));
    const data = readVmData(entries, 'text');
    assert.equal(data.instanceUuid, 'd7938aa6-1d5f-4423-b332-eaded68111ee');
    assert.equal(data.metadata['role'], 'web');
    const datum = (file: string, content: string): VmDatum => ({ dir: 'metadata', file, content });
    const forged = readMetadata([
      datum('local-hostname', 'web1'),
      datum('local-hostname', 'forged'),
      datum('public-keys', 'forged'),
      datum('public-keys', ''),
    ]);
    assert.deepEqual({ ...forged }, { 'local-hostname': 'web1', 'public-keys': '' });
  });

  it('never fail for their shape, and a hostname that is none becomes the name of the instance', () => {
    for (const strange of [undefined, 'x', [null, 1, [], ['metadata'], [{}, 'a', 'b']], {}]) {
      assert.deepEqual(vmDataEntries(strange), []);
    }
    const bad = [{ dir: 'metadata', file: 'local-hostname', content: 'a b\n../c' }];
    const guest = { uuid: 'u', name: 'i-2-42-VM', nics: [] };
    assert.equal(guestDataFrom(readVmData(bad, 'text'), guest).hostname, 'i-2-42-VM');
    const huge = [{ dir: 'userdata', file: 'user_data', content: 'x'.repeat(2 ** 20 + 1) }];
    assert.throws(() => readVmData(huge, 'text'), /1048577 bytes/);
  });

  it('reach a provider with create', async () => {
    const { provider, entries } = ledger();
    const place = makePlace({ ledger: async () => provider });
    const payload = payloadOf('configdrive-create-vmData');
    const details = payload['externaldetails'] as Record<string, Json>;
    payload['externaldetails'] = {
      ...details,
      extension: { provider: 'ledger' },
      host: { url: 'https://pve1.example.org:8006', secret: 's', template_id: '9000' },
    };
    const done = await place.call('create', payload);
    assert.equal(done.exitCode, 0, done.text);
    const given = entries[0]?.given[0] as { guest?: GuestData } | undefined;
    assert.equal(given?.guest?.password, 'DUMMYpw');
    place.remove();
  });
});
