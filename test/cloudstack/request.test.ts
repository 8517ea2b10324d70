import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Nic, SizedInstance } from '../../src/contract/instance.ts';
import { formFault } from '../support/answer-form.ts';
import { makePlace, type Place } from '../support/world.ts';
import { type Entry, ledger } from './ledger.ts';
import { asOf421, changed, type Json, recorded } from './recorded.ts';

const vm = 'cloudstack.vm.details';

describe('what CloudStack sends', () => {
  const { provider, entries } = ledger();
  let place: Place;
  before(() => {
    place = makePlace({ ledger: async () => provider });
  });
  after(() => place.remove());
  const last = () => entries[entries.length - 1] as Entry;
  const ok = async (action: string, payload: Json) => {
    const done = await place.call(action, payload);
    assert.equal(done.exitCode, 0, done.text);
    return last();
  };
  const error = async (action: string, payload: unknown, more = {}) => {
    const asked = entries.length;
    const done = await place.call(action, payload, more);
    assert.equal(done.exitCode, 1, done.text);
    assert.equal(done.document['status'], 'error');
    assert.equal(entries.length, asked, 'the provider was asked although the call was refused');
    return String(done.document['error']);
  };

  for (const action of [
    'prepare',
    'create',
    'start',
    'stop',
    'reboot',
    'delete',
    'status',
    'statuses',
    'getconsole',
  ]) {
    it(`the recorded ${action} payload reaches the provider, also in the form of CloudStack 4.21`, async () => {
      for (const payload of [recorded(action), asOf421(recorded(action))]) {
        const entry = await ok(action, payload);
        const member =
          { status: 'power', statuses: 'powers', getconsole: 'console' }[action] ?? action;
        assert.equal(entry.member, member);
      }
    });
  }

  it("the action deploy, the manual's word, is create", async () => {
    assert.equal((await ok('deploy', recorded('create'))).member, 'create');
  });

  it('create gets the instance in the words of the contract', async () => {
    const entry = await ok('create', recorded('create'));
    const [instance, blueprint] = entry.given as [SizedInstance, Json];
    assert.deepEqual(
      { ...instance, nics: instance.nics.length },
      {
        uuid: '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10',
        name: 'i-2-42-VM',
        id: 42,
        state: 'Starting',
        arch: 'x86_64',
        deploying: true,
        stored: { proxmox_vmid: '10042' },
        caller: { account: 'alice', role: 'User' },
        cpus: 2,
        memoryBytes: 2147483648,
        nics: 3,
      },
    );
    assert.deepEqual(blueprint, { template_id: '9000', is_full_clone: false });
    assert.equal(entry.settings['url'], 'https://pve1.example.org:8006');
  });

  const sized = async (path: readonly (string | number)[], value: unknown) =>
    (await ok('create', changed(recorded('create'), [vm, ...path], value)))
      .given[0] as SizedInstance;

  it('the memory is that of the offering, without overcommitment', async () => {
    assert.equal((await sized(['minRam'], 1073741824)).memoryBytes, 2147483648);
  });

  it('firmware and secure boot are handed over when CloudStack names them', async () => {
    assert.equal((await sized(['bootMode'], 'SECURE')).boot, undefined);
    assert.deepEqual((await sized(['bootType'], 'BIOS')).boot, { firmware: 'bios', secure: false });
    const uefi = changed(recorded('create'), [vm, 'bootType'], 'UEFI');
    const modes = { LEGACY: false, SECURE: true };
    for (const [mode, secure] of Object.entries(modes)) {
      const { given } = await ok('create', changed(uefi, [vm, 'bootMode'], mode));
      assert.deepEqual((given[0] as SizedInstance).boot, { firmware: 'uefi', secure });
    }
  });

  it('the optional keys of a NIC are read, and a rate of -1 means no limit', async () => {
    const first = async (more: Json) => {
      const [nic, ...others] = (recorded('create')[vm] as { nics: Json[] }).nics;
      return (await sized(['nics'], [{ ...nic, ...more }, ...others])).nics[0];
    };
    const own = { ip6address: 'fd00::2', ip6cidr: 'fd00::/64', ip6gateway: 'fd00::1' };
    const full = await first({ ...own, ip6Dns1: 'fd00::53', mtu: 1450, networkRateMbps: -1 });
    assert.deepEqual(full?.ipv6, {
      address: 'fd00::2',
      cidr: 'fd00::/64',
      gateway: 'fd00::1',
      dns: ['fd00::53'],
    });
    assert.equal(full?.mtu, 1450);
    assert.equal(full?.rateMbps, undefined);
    assert.equal((await first({ ip: undefined }))?.ipv4, undefined, 'a network without addresses');
  });

  it('two NICs with one deviceId and more than 64 NICs are refused', async () => {
    const twice = changed(recorded('create'), [vm, 'nics', 1, 'deviceId'], 0);
    assert.match(await error('create', twice), /nics" must not have the same deviceId twice/);
    const { nics } = recorded('create')[vm] as { nics: Json[] };
    const many = Array.from({ length: 65 }, (_, deviceId) => ({ ...nics[0], deviceId }));
    const payload = changed(recorded('create'), [vm, 'nics'], many);
    assert.match(await error('create', payload), /must not have more than 64 NICs/);
    await ok('create', changed(payload, [vm, 'nics'], many.slice(1)));
  });

  it('the details that prepare returned and the SSH key are found among the details of the instance', async () => {
    const kept = {
      ...{ 'External:ledger_id': '7', proxmox_vmid: '', deployvm: 'false' },
      'SSH.PublicKey': 'ssh-ed25519 AAAA x',
    };
    const entry = await ok('stop', changed(recorded('stop'), [vm, 'details'], kept));
    const { stored, sshPublicKey, deploying } = entry.given[0] as SizedInstance;
    assert.deepEqual([stored, sshPublicKey], [{ ledger_id: '7' }, 'ssh-ed25519 AAAA x']);
    assert.equal(deploying, false);
  });

  it('NICs are sorted by deviceId, and their segments and addresses are read, in any order', async () => {
    const payload = recorded('create');
    const nics = (payload[vm] as { nics: unknown[] }).nics;
    const entry = await ok('create', changed(payload, [vm, 'nics'], [...nics].reverse()));
    const read = (entry.given[0] as SizedInstance).nics;
    assert.deepEqual(
      read.map(({ deviceId }) => deviceId),
      [0, 1, 2],
    );
    assert.deepEqual(
      read.map(({ segment }) => segment),
      [{ kind: 'vlan', id: 1577 }, { kind: 'vlan', id: 1603 }, { kind: 'untagged' }],
    );
    const [first] = read as [Nic];
    assert.equal(first.uuid, '0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001', 'not the UUID of the network');
    assert.deepEqual(first.ipv4, {
      address: '10.1.1.23',
      netmask: '255.255.255.0',
      gateway: '10.1.1.1',
      dns: ['10.0.32.1', '8.8.8.8'],
    });
    assert.equal(first.rateMbps, 200);
  });

  it('a segment of an unknown kind differs from no segment', async () => {
    const kind = async (uri: unknown) => {
      const entry = await ok(
        'create',
        changed(recorded('create'), [vm, 'nics', 0, 'broadcastUri'], uri),
      );
      return (entry.given[0] as SizedInstance).nics[0]?.segment;
    };
    assert.deepEqual(await kind('vxlan://5001'), { kind: 'other', uri: 'vxlan://5001' });
    assert.deepEqual(await kind('vlan://4095'), { kind: 'other', uri: 'vlan://4095' });
    assert.deepEqual(await kind(undefined), { kind: 'none' });
  });

  it('a network that an extension named is read by its name, and a NIC without one is up', async () => {
    const read = async (given: object) => {
      const path = [vm, 'nics', 0];
      const nic = { ...((recorded('create')[vm] as { nics: object[] }).nics[0] ?? {}), ...given };
      const entry = await ok('create', changed(recorded('create'), path, nic));
      return (entry.given[0] as SizedInstance).nics[0];
    };
    const named = async (broadcastUri: string) => (await read({ broadcastUri }))?.segment;
    const uri = 'vs://cs-net-42?mode=nat';
    assert.deepEqual(await named(uri), { kind: 'named', name: 'cs-net-42', uri });
    assert.deepEqual(await named('vs://seg_1'), {
      kind: 'named',
      name: 'seg_1',
      uri: 'vs://seg_1',
    });
    for (const strange of ['vs://', 'vs://a/b', 'vs://a,tag=5', 'vs://-a', 'ovn://seg_1?x=y&z']) {
      assert.deepEqual(await named(strange), { kind: 'other', uri: strange });
    }
    assert.equal((await read({ enabled: false }))?.linkDown, true);
    for (const given of [{}, { enabled: true }])
      assert.equal((await read(given))?.linkDown, undefined);
  });

  it('numbers are read from 3, 3.0 and "3", and booleans from text', async () => {
    for (const cpus of [3, '3', '3.0']) {
      const entry = await ok('create', changed(recorded('create'), [vm, 'cpus'], cpus));
      assert.equal((entry.given[0] as SizedInstance).cpus, 3);
    }
    const text = changed(recorded('create'), [vm, 'nics', 0, 'defaultNic'], 'true');
    assert.equal(((await ok('create', text)).given[0] as SizedInstance).nics[0]?.isDefault, true);
  });

  it('a payload may lack disks, NICs and caller and may have unknown keys', async () => {
    await ok('create', changed(recorded('create'), [vm, 'disks'], undefined));
    await ok('create', changed(recorded('create'), [vm, 'nics'], []));
    await ok('stop', changed(recorded('stop'), [vm, 'nics'], undefined));
    await ok('stop', changed(recorded('stop'), ['parameters'], null));
    await ok('stop', changed(recorded('stop'), [vm, 'details'], null));
    await ok('stop', changed(recorded('stop'), ['externaldetails', 'virtualmachine'], null));
    await ok('create', changed(recorded('create'), ['surprise'], { deep: [[[1]]] }));
    await ok('create', changed(recorded('create'), ['externaldetails', 'host', 'surprise'], 'x'));
  });

  it('only a stop that a user asked for is graceful', async () => {
    const manner = async (payload: Json) => (await ok('stop', payload)).given[1];
    assert.equal(await manner(recorded('stop')), 'graceful');
    assert.equal(await manner(changed(recorded('stop'), [vm, 'state'], 'Running')), 'hard');
    assert.equal(await manner(changed(recorded('stop'), [vm, 'state'], 'Starting')), 'hard');
    assert.equal(
      await manner(changed(recorded('stop'), [vm, 'details', 'deployvm'], 'true')),
      'hard',
    );
  });

  it('a refused create names every mistake at once', async () => {
    let payload = changed(recorded('create'), [vm, 'cpus'], 'two');
    payload = changed(payload, [vm, 'maxRam'], undefined);
    payload = changed(payload, [vm, 'nics', 1, 'mac'], 'nonsense');
    payload = changed(payload, ['externaldetails', 'host', 'url'], undefined);
    payload = changed(payload, ['externaldetails', 'host', 'grace_seconds'], '61');
    payload = changed(payload, ['externaldetails', 'virtualmachine', 'disk_size_gb'], 'big');
    const text = await error('create', payload);
    for (const part of [
      /cpus/,
      /maxRam/,
      /nics\[1\]\.mac/,
      /"url" is missing/,
      /grace_seconds/,
      /disk_size_gb/,
    ]) {
      assert.match(text, part);
    }
    assert.match(text, /^i-2-42-VM could not be created: |^The instance could not be created: /);
  });

  it('the minimal payload of the manual is refused with the full list of missing keys', async () => {
    const payload = { externaldetails: { virtualmachine: { exttemplateid: 'x' } } };
    const text = await error('create', payload);
    for (const part of [/UUID/, /instance name/, /cpus/, /maxRam/, /nics/, /provider/])
      assert.match(text, part);
    const named = {
      externaldetails: { extension: { provider: 'ledger' }, ...payload.externaldetails },
    };
    const more = await error('create', named);
    for (const part of [/UUID/, /"url" is missing/, /"template_id" is missing/])
      assert.match(more, part);
  });

  it('a payload that names two instances is refused', async () => {
    const other = '11111111-2222-4333-8444-555555555555';
    assert.match(
      await error('status', changed(recorded('status'), ['virtualmachineid'], other)),
      /different UUIDs/,
    );
    assert.match(
      await error('status', changed(recorded('status'), ['virtualmachinename'], 'i-9-9-VM')),
      /different names/,
    );
    const capitals = String(recorded('status')['virtualmachineid']).toUpperCase();
    await ok('status', changed(recorded('status'), ['virtualmachineid'], capitals));
  });

  it('names and UUIDs that could be a path, a pattern or a list are refused', async () => {
    for (const name of ['../x', 'a b', 'a\nb', '', '*', 'x'.repeat(200)]) {
      const payload = changed(
        changed(recorded('status'), ['virtualmachinename'], name),
        [vm, 'name'],
        name,
      );
      assert.match(await error('status', payload), /instance name/);
    }
    const payload = changed(
      changed(recorded('status'), ['virtualmachineid'], '1; rm'),
      [vm, 'uuid'],
      '1; rm',
    );
    assert.match(await error('status', payload), /must be a UUID/);
  });

  it('a broken payload file fails within a second with one sentence', async () => {
    const cases: readonly [unknown, RegExp][] = [
      ['', /is empty/],
      ['   ', /is empty/],
      ['{', /is not JSON/],
      ['[]', /does not hold a JSON object/],
      ['"x"', /does not hold a JSON object/],
      ['null', /does not hold a JSON object/],
      [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, /does not hold a JSON object/],
      [`{"externaldetails":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`, /UUID/],
      [' '.repeat(8 * 1024 * 1024 + 1), /8388609 bytes/],
      [{ externaldetails: 'x' }, /externaldetails/],
      [{ externaldetails: { host: ['x'] } }, /externaldetails\.host/],
      [{ externaldetails: { host: { url: {} } } }, /externaldetails\.host\.url/],
      [{ [vm]: 'x' }, /cloudstack\.vm\.details/],
      [{ [vm]: { nics: 'x' } }, /nics/],
      [{ [vm]: { nics: [7] } }, /nics\[0\]/],
      [{ [vm]: { details: 7 } }, /details/],
      [{ caller: 7 }, /caller/],
      [{ parameters: [], externaldetails: { host: { a: [] } } }, /host\.a/],
    ];
    for (const [payload, expected] of cases) {
      const before = process.cpuUsage();
      assert.match(await error('create', payload), expected);
      const { user, system } = process.cpuUsage(before);
      // Of the processor, so that it means the same on a busy machine.
      assert.ok(user + system < 1e6, `${(user + system) / 1e6} s`);
    }
  });

  it('a payload with a byte order mark is read', async () => {
    const done = await place.call('stop', `\ufeff${JSON.stringify(recorded('stop'))}`);
    assert.equal(done.exitCode, 0, done.text);
  });

  it('an error about a broken payload never quotes it, since it holds secrets', async () => {
    const text = await error('status', '{"secret": "hunter2hunter2", oops');
    assert.doesNotMatch(text, /hunter2/);
    assert.doesNotMatch(JSON.stringify(place.log()), /hunter2/);
  });

  it('a payload file that is missing, a folder or a pipe is refused without waiting', async () => {
    assert.match(
      await error('status', {}, { file: '/nonexistent/x.json' }),
      /there is no such file/,
    );
    assert.match(
      await error('status', {}, { file: place.folder }),
      /not a regular file|cannot be read/,
    );
    assert.match(await error('status', {}, { file: '/dev/zero' }), /not a regular file/);
    const pipe = join(place.folder, 'pipe');
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    assert.match(await error('status', {}, { file: pipe }), /not a regular file/);
  });

  it("a time-out that is no whole number of seconds in CloudStack's range is refused", async () => {
    for (const timeoutSeconds of ['0', '-1', 'soon', '', '1.5', '2147484', '99999999999', '1e3']) {
      assert.match(await error('status', recorded('status'), { timeoutSeconds }), /time-out/);
    }
    const done = await place.call('status', recorded('status'), { timeoutSeconds: '2147483' });
    assert.equal(done.exitCode, 0);
  });

  it('a command line without exactly three arguments is refused', async () => {
    for (const argv of [
      [],
      ['status'],
      ['status', '/x.json'],
      ['status', '/x.json', '3', 'more'],
    ]) {
      const { exitCode, text } = await place.begin(argv).result;
      assert.equal(exitCode, 1);
      assert.match(
        JSON.parse(text).error,
        /arguments\. Expected: outrigger <action> <payload file> <timeout seconds>/,
      );
    }
    const meant = await place.begin(['lgo', '--help'], { commandWords: ['help', 'log'] }).result;
    assert.match(JSON.parse(meant.text).error, /2 of 3 arguments; did you mean `outrigger log`\?/);
  });

  it('an action or a payload file with an impossible name is refused', async () => {
    const { text } = await place.begin(['a/b', '', '3']).result;
    assert.match(
      JSON.parse(text).error,
      /the action is not a valid name; the payload file is not a valid path\. /,
    );
  });

  it('a mistyped action gets a suggestion, and an inherited key of the table is no action', async () => {
    assert.match(await error('statsu', recorded('status')), /did you mean "status"/);
    for (const word of ['constructor', '__proto__', 'toString', 'Create', 'CREATE']) {
      assert.match(await error(word, recorded('status')), /There is no action/);
    }
  });

  it("a command of CloudStack's own is refused without a look at the payload, at level debug only", async () => {
    const word = 'com.cloud.agent.api.CheckVirtualMachineCommand';
    for (const payload of [recorded('unexpected-command'), 'no JSON']) {
      const { text, document, exitCode } = await place.call(word, payload);
      assert.equal(exitCode, 1);
      assert.deepEqual(document, {
        status: 'error',
        error: `CloudStack's internal command ${word} is not supported by extensions`,
      });
      assert.equal(formFault(text), undefined);
    }
    const lines = place.log().filter(({ action }) => action === word);
    assert.deepEqual(
      lines.map(({ level, outcome }) => [level, outcome]),
      [
        ['debug', 'unsupported'],
        ['debug', 'unsupported'],
      ],
    );
  });

  it('the question for the address of a NIC is answered with a success that is no address', async () => {
    const word = 'com.cloud.agent.api.GetVmIpAddressCommand';
    const { text, exitCode } = await place.call(word, { action: word });
    assert.equal(exitCode, 0);
    assert.equal(formFault(text), undefined);
    assert.doesNotMatch(text, /\d+\.\d+\.\d+\.\d+/);
  });
});
