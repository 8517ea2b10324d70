import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Place } from '../../support/world.ts';
import type { Json } from '../recorded.ts';
import { callNetwork, newPlace, play, recorded, withFields } from './recorded.ts';

interface Kept {
  readonly nicUuid: string;
  readonly networkId: string;
  readonly instanceUuid?: string;
  readonly password?: string;
  readonly savedAt: string;
  readonly nic: { readonly isDefault: boolean };
  readonly data?: {
    readonly hostname: string;
    readonly userData?: string;
    readonly publicKeys: readonly string[];
    readonly metadata: Readonly<Record<string, string>>;
  };
}

const place = (t: TestContext): Place => {
  const made = newPlace();
  t.after(made.remove);
  return made;
};

/** Everything that the simulated system keeps for guests. */
function kept({ folder }: Place): readonly Kept[] {
  const guests = join(folder, 'home/.local/state/outrigger/simulator/guests');
  return readdirSync(guests).map((file) => JSON.parse(readFileSync(join(guests, file), 'utf8')));
}

function only(here: Place): Kept {
  const [one, ...more] = kept(here);
  assert.equal(more.length, 0);
  return one ?? assert.fail('nothing is kept');
}

const textOf = ({ data }: Kept): string =>
  Buffer.from(data?.userData ?? '', 'base64').toString('utf8');

/** The recorded payload about another NIC, so that several recordings speak of one. */
const about = (name: string, fields: Json = {}): Json =>
  withFields(recorded(name), { nic_uuid: '11111111-2222-4333-8444-555555555555', ...fields });

describe('the data of a guest', () => {
  it('are kept under the instance and the NIC, as CloudStack sent them', async (t) => {
    const here = place(t);
    assert.equal((await play(here, 'l2-save-vm-data-unicode')).exitCode, 0);
    const record = only(here);
    assert.match(record.instanceUuid ?? '', /^[0-9a-f-]{36}$/);
    assert.match(textOf(record), /Grüße, 漢字, 😀/);
    assert.equal(record.nic.isDefault, true);
    assert.equal(record.data?.metadata['service-offering'], 'Küche klein "1" <x>', 'unescaped');
  });

  it('name the instance that CloudStack means where a tenant has named another', async (t) => {
    const here = place(t);
    await play(here, 'l2-save-vm-data-userdatadetails-injection');
    const { instanceUuid, data } = only(here);
    assert.equal(instanceUuid, 'd7938aa6-1d5f-4423-b332-eaded68111ee');
    assert.equal(data?.metadata['instance-id'], 'd7938aa6-1d5f-4423-b332-eaded68111ee');
    assert.equal(data?.metadata['role'], 'web');
    const entries = (recorded('l2-save-vm-data-userdatadetails-injection')['payload'] as Json)[
      'vm_data'
    ] as Json[];
    const evil = ['service-offering', 'local-hostname', 'vm-id', 'public-keys'].map((file) => ({
      ...{ dir: 'metadata', file, content: 'evil' },
    }));
    const mixed = [...entries.slice(0, 5), ...evil, ...entries.slice(5)];
    await callNetwork(here, 'save-vm-data', about('l2-deploy-save-vm-data', { vm_data: mixed }));
    const record = kept(here).find(({ nicUuid }) => nicUuid.startsWith('11111111'));
    assert.equal(JSON.stringify(record).includes('evil'), false);
  });

  it('keep a password that came alone until a start takes it, and take newer texts', async (t) => {
    const here = place(t);
    const call = (command: string, payload: Json) => callNetwork(here, command, payload);
    await call('save-vm-data', about('l2-save-userdata-old-text', vmData('old')));
    await call('save-password', about('l2-save-password'));
    assert.equal(only(here).password, 'DUMMYpw');
    assert.equal(textOf(only(here)), 'old', 'the rest stays');
    await call('save-vm-data', about('l2-save-userdata-old-text', vmData('new')));
    assert.equal(only(here).password, 'DUMMYpw');
    assert.equal(textOf(only(here)), 'new');
    await call('save-userdata', about('l2-save-userdata-old-text'));
    assert.equal(textOf(only(here)), 'new', 'save-userdata carries the text from before');
    await call('release-nic', about('l2-stop-release-nic'));
    assert.equal(textOf(only(here)), 'new', 'a stop is no end of life');
    await call('save-sshkey', about('l2-stop-release-nic', { sshkey: 'ssh-ed25519 AAAA x' }));
    assert.deepEqual(only(here).data?.publicKeys, ['ssh-ed25519 AAAA x']);
  });

  it('take a password for a NIC of which nothing else is known yet', async (t) => {
    const here = place(t);
    await play(here, 'l2-save-password');
    assert.equal(only(here).password, 'DUMMYpw');
    assert.equal(only(here).instanceUuid, undefined);
  });

  it('are not written again while a failing start is repeated', async (t) => {
    const here = place(t);
    await play(here, 'l2-deploy-save-vm-data');
    const first = only(here).savedAt;
    await play(here, 'l2-deploy-save-vm-data');
    assert.equal(only(here).savedAt, first);
  });

  it('come for many NICs at once, and for one NIC from two servers', async (t) => {
    const here = place(t);
    const nic = (at: number) => `00000000-0000-4000-8000-00000000000${at % 8}`;
    const calls = Array.from({ length: 10 }, (_, at) =>
      callNetwork(here, 'save-vm-data', about('l2-deploy-save-vm-data', { nic_uuid: nic(at) }), {
        file: here.payload(
          about('l2-deploy-save-vm-data', { nic_uuid: nic(at) }),
          `save-${at}.payload`,
        ),
      }),
    );
    for (const { exitCode, text } of await Promise.all(calls)) assert.equal(exitCode, 0, text);
    assert.equal(kept(here).length, 8);
  });

  it('of a restored network are kept, and a restoration fails for no reason of ours', async (t) => {
    const here = place(t);
    assert.equal((await play(here, 'isolated-restart-restore-network')).exitCode, 0);
    assert.equal(kept(here).length, 2);
    for (const fail_kind of ['unreachable', 'denied', 'blind']) {
      const failing = { fail_actions: 'restore-network', fail_kind };
      assert.equal((await play(here, 'isolated-restart-restore-network', failing)).exitCode, 0);
    }
    const vms = [{ nic_uuid: '' }, null, 'x', { vm_data: 'x' }, { vm_data: [{ dir: 'metadata' }] }];
    const strange = withFields(recorded('isolated-restart-restore-network'), {
      restore_data: { vms },
    });
    assert.equal((await callNetwork(here, 'restore-network', strange)).exitCode, 0);
  });

  it('go with their network, and those of other networks stay', async (t) => {
    const here = place(t);
    await play(here, 'l2-deploy-save-vm-data');
    await play(here, 'isolated-first-deploy-save-vm-data');
    const payload = withFields(recorded('l2-destroy-network'), { network_id: '219' });
    assert.equal((await callNetwork(here, 'destroy-network', payload)).exitCode, 0);
    assert.equal(only(here).networkId, '227');
  });
});

function vmData(text: string): Json {
  const vm = '96a2c10e-4f68-43ea-9b27-286c14753460';
  const metadata = (file: string, content: string) => ({ dir: 'metadata', file, content });
  const entries = [
    { dir: 'userdata', file: 'user_data', content: text },
    ...[metadata('local-hostname', 'web1'), metadata('public-keys', '')],
    ...[metadata('instance-id', vm), metadata('vm-id', vm)],
  ];
  return { vm_data: entries };
}
