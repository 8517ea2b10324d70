import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import type { Finding } from '../../src/commands/audit/finding.ts';
import { scanHosts } from '../../src/commands/audit/scan.ts';
import { type Asked, systemsOf } from '../../src/commands/audit/systems.ts';
import type { Finding as DoctorFinding } from '../../src/commands/doctor/finding.ts';
import { runCommand } from '../../src/commands/run.ts';
import type { Machine } from '../../src/contract/machine.ts';
import { defineProvider } from '../../src/contract/provider.ts';
import { Failure } from '../../src/failure.ts';
import { deadlineIn } from '../../src/kit/deadline.ts';
import type { Verbs } from '../../src/lifecycle/index.ts';
import { registry } from '../../src/providers/index.ts';
import { inMemory } from '../support/in-memory.ts';
import { sample } from './sample-provider.ts';
import { temporaryDirectory } from './scripts.ts';
import {
  createSimulatedHost,
  introduce,
  listed,
  nic,
  type SimulatedHost,
  uuidOf,
} from './simulated-host.ts';
import { createWorld } from './world.ts';

interface Scene {
  readonly cloud: FakeCloudStack;
  readonly host: SimulatedHost;
  audit(...words: string[]): Promise<{ code: number; printed: string; complained: string }>;
  /** The findings, as `severity kind subject`. */
  findings(): Promise<readonly string[]>;
  /** All of the only finding. */
  only(): Promise<Finding>;
}

async function scene(t: TestContext, hosts: object = { sim1: { node: 'sim1' } }): Promise<Scene> {
  const cloud = await startCloudStack(t);
  introduce(cloud, hosts as Readonly<Record<string, object>>);
  const host = createSimulatedHost();
  const audit: Scene['audit'] = async (...words) => {
    const world = createWorld({ registry, env: { OUTRIGGER_CONFIG: host.config } });
    const given = ['audit', '--credentials', cloud.credentials(), ...words];
    const code = await runCommand(given, world);
    return { code, printed: world.printed(), complained: world.complained() };
  };
  const all = async (): Promise<readonly Finding[]> =>
    (JSON.parse((await audit('--json')).printed) as { findings: readonly Finding[] }).findings;
  return {
    ...{ cloud, host, audit },
    findings: async () =>
      (await all()).map(({ severity, kind, subject }) => `${severity} ${kind} ${subject}`),
    async only() {
      const [first, ...rest] = await all();
      assert.deepEqual(rest, []);
      assert.ok(first);
      return first;
    },
  };
}

const mac = '02:00:00:00:00:01';

describe('audit of two extensions at one system', () => {
  test('audit takes the machines that two extensions show for one and the same, not for copies', async (t) => {
    const { cloud, host, findings } = await scene(t);
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    host.plant('b', { name: 'web server' });
    cloud.state.machines.push(listed('i-2-1-VM'));
    const own = cloud.state.extensions.find(({ name }) => name === 'Sim');
    assert.ok(own);
    cloud.state.extensions.push({ ...own, id: 'x2', name: 'Second' });
    const registration = { extensionId: 'x2', details: { ...own.details } };
    cloud.state.clusters.push({ id: 'c2', name: 'c2', hypervisor: 'External', registration });
    const node = { 'External:node': 'sim2' };
    cloud.state.hosts.push({ id: 'h2', name: 'second', clusterId: 'c2', details: node });
    assert.deepEqual(await findings(), []);
    // A copy is one all the same.
    host.plant('c', { name: 'i-2-1-VM', mark: { remoteId: 'a' } });
    assert.deepEqual(await findings(), ['critical duplicate i-2-1-VM']);
  });

  test('systems are told apart by their addresses, or by what they show', () => {
    const asked = (extension: string, endpoint: string, ...ids: string[]): Asked => ({
      openHost: {
        ...{ host: { name: endpoint, extension, levels: [] }, installation: 'cs-1' },
        ...{ provider: sample, endpoints: [endpoint], verbs: {} as Verbs },
      },
      machines: ids.map((remoteId) => ({ remoteId, name: '', power: 'on', mark: undefined })),
    });
    const systems = systemsOf([
      asked('a', 'https://one', '1', '2'),
      asked('b', 'https://two', '2', '1'),
      asked('c', 'https://three', '1'),
      asked('d', 'https://three', '7'),
      asked('a', 'https://four'),
      asked('e', 'https://five', '1'),
    ]);
    assert.deepEqual(systems, [0, 0, 2, 2, 0, 5]);
  });
});

describe('audit of the installation', () => {
  test('audit finds an installation that is lost, kept in one place only, or two of them', async (t) => {
    const { cloud, host, only, findings } = await scene(t);
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    cloud.state.machines.push(listed('i-2-1-VM'));
    const extension = cloud.state.extensions.find(({ name }) => name === 'Sim');
    const cluster = cloud.state.clusters.find(({ name }) => name === 'ext');
    assert.ok(extension && cluster?.registration);
    delete extension.details['installation'];
    const { severity, found } = await only();
    assert.equal(severity, 'warning');
    assert.match(found, /a detail of the cluster registration only, for the cluster ext/);
    extension.details['installation'] = 'cs-other';
    assert.deepEqual(await findings(), ['critical installation Sim']);
    delete extension.details['installation'];
    cluster.registration.details = {};
    assert.deepEqual(await findings(), [
      'critical installation Sim',
      'critical foreign-mark i-2-1-VM',
      'critical missing i-2-1-VM',
    ]);
  });
});

describe('audit of a world in order', () => {
  test('audit of a world in order finds nothing, says so in one line and exits with 0', async (t) => {
    const { cloud, host, audit } = await scene(t, {
      sim1: { node: 'sim1' },
      sim2: { node: 'sim2' },
    });
    cloud.state.machines.push(listed('i-2-1-VM', { nic: [nic(mac, 100)] }));
    cloud.state.projectMachines.push(listed('i-3-2-VM'));
    cloud.state.machines.push(listed('i-2-9-VM', { hypervisor: 'KVM' }));
    host.plant('a', { name: 'i-2-1-VM', mark: {}, nics: { [mac]: 100 } });
    host.plant('b', { name: 'i-3-2-VM', mark: {} });
    host.plant('t', { name: 'template', template: true });
    host.plant('c', { name: 'i-2-1-VM-2', mark: { uuid: uuidOf('8'), installation: 'other' } });
    const { code, printed } = await audit();
    assert.match(
      printed,
      /^OUTRIGGER OK - 0 findings; 2 instances, 4 machines, 2 hosts \| findings=0/,
    );
    assert.equal(printed.split('\n').length, 1);
    assert.equal(code, 0);
  });

  test('audit counts a machine that several hosts show once, and names them', async (t) => {
    const { host, only } = await scene(t, { sim1: { node: 'sim1' }, sim2: { node: 'sim2' } });
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    assert.match((await only()).found, /^machine a \(i-2-1-VM\) seen by sim1, sim2 belongs/);
  });

  test('audit changes nothing, neither on this server nor on the remote system', async (t) => {
    const { cloud, host, audit } = await scene(t);
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    const before = readdirSync(host.folder, { recursive: true }).sort();
    await audit();
    assert.deepEqual(readdirSync(host.folder, { recursive: true }).sort(), before);
    assert.deepEqual(cloud.changes, []);
  });

  test('audit pages through more instances than one answer holds', async (t) => {
    const { cloud, host, audit } = await scene(t);
    for (let number = 1; number <= 450; number += 1) {
      cloud.state.machines.push(listed(`i-2-${number}-VM`));
      host.plant(`m${number}`, { name: `i-2-${number}-VM`, mark: {} });
    }
    assert.match((await audit()).printed, /OK - 0 findings; 450 instances, 450 machines/);
  });
});

describe('audit of a world in disorder', () => {
  const cases: readonly (readonly [string, (scene: Scene) => void, string, RegExp])[] = [
    [
      'an orphan that a failed create left',
      ({ host }) => host.plant('a', { name: 'i-2-1-VM', mark: {} }),
      'warning orphan i-2-1-VM',
      /machine a .* CloudStack does not have/,
    ],
    [
      'a machine that a failed deployment left behind',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { state: 'Error' }));
        host.plant('a', { name: 'i-2-1-VM', mark: {} });
      },
      'warning left-behind i-2-1-VM',
      /deployment that failed/,
    ],
    [
      'two machines with one mark',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.plant('a', { name: 'i-2-1-VM', mark: {} });
        host.plant('b', { name: 'i-2-1-VM', mark: { remoteId: 'a' } });
      },
      'critical duplicate i-2-1-VM',
      /machine a .* and machine b/,
    ],
    [
      'a copy without its original',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.plant('b', { name: 'i-2-1-VM', mark: { remoteId: 'a' } });
      },
      'critical copy i-2-1-VM',
      /written for a/,
    ],
    [
      'a mark that cannot be read',
      ({ host, cloud }) => {
        host.plant('b', { name: 'i-2-1-VM', mark: {} });
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.damage('x');
      },
      'critical unreadable-mark ?',
      /machine x/,
    ],
    [
      'a mark of another installation for one of ours',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { state: 'Starting' }));
        host.plant('a', { name: 'i-2-1-VM', mark: { installation: 'cs-2' } });
      },
      'critical foreign-mark i-2-1-VM',
      /"cs-2"/,
    ],
    [
      'a machine that lost its mark and its name',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { details: { simulator_id: 'a' } }));
        host.plant('a', { name: 'web server' });
      },
      'critical lost-mark i-2-1-VM',
      /machine a \(web server\) .* may be it/,
    ],
    [
      'a machine that lost its mark',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.plant('a', { name: 'i-2-1-VM' });
      },
      'critical lost-mark i-2-1-VM',
      /machine a .* may be it/,
    ],
    [
      'a machine that is gone, and takes no other one for it',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { details: { simulator_id: 'b' } }));
        host.plant('a', { name: 'web server' });
        host.plant('b', { name: 'i-2-1-VM', mark: { uuid: uuidOf('8'), installation: 'cs-2' } });
        host.plant('t', { name: 'i-2-1-VM', template: true });
      },
      'critical missing i-2-1-VM',
      /no host has a machine/,
    ],
    [
      'a stopped instance that may never have had one',
      ({ cloud }) => void cloud.state.machines.push(listed('i-2-1-VM', { state: 'Stopped' })),
      'warning missing i-2-1-VM',
      /says Stopped/,
    ],
    [
      'a machine that was never finished',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { state: 'Stopped' }));
        host.plant('a', { name: 'i-2-1-VM', mark: { state: 'building' }, power: 'off' });
      },
      'warning partial i-2-1-VM',
      /never finished/,
    ],
    [
      'a NIC on another VLAN',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { nic: [nic(mac.toUpperCase(), 100)] }));
        host.plant('a', { name: 'i-2-1-VM', mark: {}, nics: { [mac]: 200 } });
      },
      'critical vlan i-2-1-VM',
      /is on VLAN 200, CloudStack says VLAN 100/,
    ],
    [
      'a NIC that is not CloudStack’s',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.plant('a', { name: 'i-2-1-VM', mark: {}, nics: { [mac]: 200 } });
      },
      'warning nic i-2-1-VM',
      /02:00:00:00:00:01 of machine a/,
    ],
    [
      'a NIC on a VLAN that CloudStack does not tag',
      ({ host, cloud }) => {
        const untagged = { macaddress: mac, broadcasturi: 'vlan://untagged' };
        cloud.state.machines.push(listed('i-2-1-VM', { nic: [untagged] }));
        host.plant('a', { name: 'i-2-1-VM', mark: {}, nics: { [mac]: 200 } });
      },
      'critical vlan i-2-1-VM',
      /is on VLAN 200, CloudStack says no VLAN/,
    ],
    [
      'a NIC on a VLAN where CloudStack has a network of another name',
      ({ host, cloud }) => {
        const named = { macaddress: mac, broadcasturi: 'vs://or7f3k2a' };
        cloud.state.machines.push(listed('i-2-1-VM', { nic: [named] }));
        host.plant('a', { name: 'i-2-1-VM', mark: {}, nics: { [mac]: 200 } });
      },
      'critical vlan i-2-1-VM',
      /is on VLAN 200, CloudStack says network or7f3k2a/,
    ],
    [
      'a machine of another size',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { cpunumber: 2, memory: 2048 }));
        host.plant('a', { name: 'i-2-1-VM', mark: {}, cpus: 1 });
      },
      'warning size i-2-1-VM',
      /has 1 CPUs where CloudStack says 2 CPUs, and 1 GiB where CloudStack says 2 GiB/,
    ],
    [
      'a machine that is off while CloudStack says running',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.plant('a', { name: 'i-2-1-VM', mark: {}, power: 'off' });
      },
      'warning power i-2-1-VM',
      /is off, CloudStack says Running/,
    ],
    [
      'a machine that runs while CloudStack says stopped',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM', { state: 'Stopped' }));
        host.plant('a', { name: 'i-2-1-VM', mark: {} });
      },
      'warning power i-2-1-VM',
      /is on, CloudStack says Stopped/,
    ],
    [
      'what the provider remarks',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.plant('a', { name: 'i-2-1-VM', mark: {}, protected: true });
      },
      'warning remark i-2-1-VM',
      /protected against removal/,
    ],
    [
      'a mark that names another instance',
      ({ host, cloud }) => {
        cloud.state.machines.push(listed('i-2-1-VM'));
        host.plant('a', { name: 'i-2-1-VM', mark: { name: 'i-9-9-VM' } });
      },
      'warning renamed i-2-1-VM',
      /names the instance i-9-9-VM/,
    ],
  ];
  for (const [what, disturb, wanted, said] of cases) {
    test(`audit finds ${what}`, async (t) => {
      const played = await scene(t);
      disturb(played);
      const { severity, kind, subject, found } = await played.only();
      assert.equal(`${severity} ${kind} ${subject}`, wanted);
      assert.match(found, said);
      const { code, printed } = await played.audit();
      assert.equal(code, severity === 'critical' ? 2 : 1);
      assert.match(printed, new RegExp(`^OUTRIGGER ${severity.toUpperCase()} - 1 findings`));
    });
  }

  test('audit takes a deployment that is under way for no machine left partial', async (t) => {
    const { cloud, host, findings } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', { state: 'Starting' }));
    host.plant('a', { name: 'i-2-1-VM', mark: { state: 'building' } });
    assert.deepEqual(await findings(), []);
  });

  test('audit lets a stopped machine have other NICs and another size: its start mends them', async (t) => {
    const { cloud, host, findings } = await scene(t);
    const stopped = { state: 'Stopped', cpunumber: 4, nic: [nic(mac, 100)] };
    cloud.state.machines.push(listed('i-2-1-VM', stopped));
    host.plant('a', { name: 'i-2-1-VM', mark: {}, power: 'off', nics: { [mac]: 200 } });
    assert.deepEqual(await findings(), []);
  });

  test('audit compares only networks that CloudStack can name', async (t) => {
    const { cloud, host, findings } = await scene(t);
    const overlay = { macaddress: mac, broadcasturi: 'vxlan://5' };
    const unsized = { cpunumber: undefined, memory: undefined };
    cloud.state.machines.push(listed('i-2-1-VM', { ...unsized, nic: [overlay] }));
    host.plant('a', { name: 'i-2-1-VM', mark: {}, nics: { [mac]: 200 } });
    assert.deepEqual(await findings(), []);
  });

  test('audit counts a machine whose mark names no installation, or that was made a template', async (t) => {
    const { cloud, host, findings } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM'), listed('i-2-2-VM'));
    host.plant('a', { name: 'i-2-1-VM', mark: { installation: '' } });
    host.plant('b', { name: 'i-2-2-VM', mark: {}, template: true });
    assert.deepEqual(await findings(), []);
  });

  test('audit names the keys that it needs where CloudStack hides the instance names', async (t) => {
    const { cloud, audit } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', { instancename: undefined }));
    const { code, printed } = await audit();
    assert.match(printed, /UNKNOWN - .* names of instances\. Use the keys of a root administrator/);
    assert.equal(code, 3);
  });

  test('audit takes no template that kept the mark of its machine for a copy', async (t) => {
    const { cloud, host, findings } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM'));
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    host.plant('t', {
      name: 'golden',
      mark: { uuid: uuidOf('i-2-1-VM'), remoteId: 'a' },
      template: true,
    });
    assert.deepEqual(await findings(), []);
  });

  test('audit leaves instances alone that another extension serves', async (t) => {
    const { cloud, findings } = await scene(t);
    // CloudStack's own, which has no detail "provider".
    const [builtIn] = cloud.state.extensions;
    const registration = { extensionId: builtIn?.id ?? '', details: {} };
    const hypervisor = 'External';
    cloud.state.clusters.push({ id: 'other', name: 'other', hypervisor, registration });
    cloud.state.hosts.push({ id: 'theirs', name: 'theirs', clusterId: 'other', details: {} });
    cloud.state.machines.push(listed('i-2-1-VM', { hostid: 'theirs' }));
    cloud.state.machines.push(listed('i-2-2-VM', { state: 'Stopped' }));
    assert.deepEqual(await findings(), []);
    cloud.state.machines.push(listed('i-2-3-VM', { hostid: 'sim1' }));
    assert.deepEqual(await findings(), ['critical missing i-2-3-VM']);
  });

  test('audit names an instance of ours that CloudStack has moved to a host of another extension', async (t) => {
    const { cloud, host, only } = await scene(t);
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    const [builtIn] = cloud.state.extensions;
    const registration = { extensionId: builtIn?.id ?? '', details: {} };
    const hypervisor = 'External';
    cloud.state.clusters.push({ id: 'other', name: 'other', hypervisor, registration });
    cloud.state.hosts.push({ id: 'theirs', name: 'theirs', clusterId: 'other', details: {} });
    cloud.state.machines.push(listed('i-2-1-VM', { hostid: 'theirs', hostname: 'pve1-old' }));
    const { severity, kind, found, advice } = await only();
    assert.deepEqual([severity, kind], ['critical', 'other-host']);
    assert.match(found, /CloudStack has it on pve1-old, .* and .*a.* is its machine/);
    assert.match(advice ?? '', /take the sight of them from its account/);
    // Doctor finds it as well, where it may ask CloudStack.
    const doctor = async () => {
      const world = createWorld({ registry, env: { OUTRIGGER_CONFIG: host.config } });
      const code = await runCommand(
        ['doctor', '--json', '--credentials', cloud.credentials()],
        world,
      );
      const { checks } = JSON.parse(world.printed()) as { checks: readonly DoctorFinding[] };
      return { code, checks: checks.filter(({ layer }) => layer === 'cloudstack') };
    };
    const { code, checks } = await doctor();
    assert.equal(code, 1);
    assert.deepEqual(
      checks.map(({ state, name }) => [state, name]),
      [['fail', 'other hosts']],
    );
    assert.equal(checks[0]?.found, `i-2-1-VM: ${found}`);
    assert.equal(checks[0]?.advice, advice);
    // A foreign instance there is none of ours, and one of ours on our own host is where it belongs.
    cloud.state.machines.splice(0, 1, listed('i-2-9-VM', { hostid: 'theirs' }));
    const quiet = await doctor();
    assert.deepEqual(
      quiet.checks.map(({ state, found: text }) => [state, text]),
      [['ok', '1 instances are on hosts of other extensions, none is ours']],
    );
  });

  test('audit finds nothing wrong with instances that change while it runs', async (t) => {
    const { cloud, host, findings } = await scene(t);
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    host.plant('b', { name: 'i-2-2-VM', mark: {} });
    const late = listed('i-2-1-VM');
    let asked = 0;
    Object.defineProperty(cloud.state, 'machines', {
      get: () => {
        asked += 1;
        return asked === 1 ? [] : [late];
      },
    });
    assert.deepEqual(await findings(), ['warning orphan i-2-2-VM']);
  });

  test('audit calls no machine missing while a host cannot be asked, and exits with 3', async (t) => {
    const unreachable = { node: 'sim1', fail_actions: 'audit', fail_kind: 'unreachable' };
    const { cloud, findings, audit } = await scene(t, { sim1: unreachable });
    cloud.state.machines.push(listed('i-2-1-VM'));
    assert.deepEqual(await findings(), ['unknown unreachable-host sim1']);
    assert.equal((await audit()).code, 3);
  });

  test('audit believes no empty list of a host that has lost its rights', async (t) => {
    const unreachable = { node: 'sim1', fail_actions: 'audit', fail_kind: 'blind' };
    const { cloud, findings } = await scene(t, { sim1: unreachable });
    cloud.state.machines.push(listed('i-2-1-VM'));
    assert.deepEqual(await findings(), ['unknown unreachable-host sim1']);
  });

  test('audit gives a host that never answers its share of the time, and asks the others', async () => {
    const system = (list: () => Promise<readonly Machine[]>) =>
      defineProvider({ ...sample, connect: () => inMemory({ list }) });
    const there = { remoteId: '1', name: 'web', mark: undefined };
    const providers = {
      silent: system(() => new Promise(() => {})),
      mute: system(() => Promise.reject(new Failure('unsupported', 'It lists nothing'))),
      quick: system(async () => [there]),
    };
    const asked: string[] = [];
    const hosts = ['silent', 'mute', 'quick'].map((provider) => {
      const details = { provider, url: 'https://s:1', token: 'x' };
      return { name: provider, extension: 'x', levels: [{ name: 'host', details }] } as const;
    });
    const { seenMachines, unreachable } = await scanHosts(hosts, {
      ...{ world: createWorld({ providers }), deadline: deadlineIn(1), changes: false },
      onStep: (what) => void asked.push(what),
    });
    assert.deepEqual(asked, ['asking silent', 'asking mute', 'asking quick']);
    assert.deepEqual(
      unreachable.map(({ host }) => host),
      ['silent', 'mute'],
    );
    assert.match(
      unreachable[0]?.why ?? '',
      /^Gave up after \d\.\d s while waiting for its machines/,
    );
    assert.match(unreachable[1]?.why ?? '', /^It lists nothing/);
    assert.deepEqual(
      seenMachines.map(({ machine }) => machine),
      [{ ...there, power: 'on' }],
    );
  });

  test('audit says that hidden details of a host may be why its settings do not fit', async (t) => {
    const { cloud, only } = await scene(t);
    cloud.state.showsHostDetails = false;
    for (const { details } of cloud.state.extensions) details['grace_seconds'] = 'long';
    const { found } = await only();
    assert.match(found, /Its details do not fit.*does not show the details of hosts/);
  });
});

describe('audit for machines to read', () => {
  test('audit writes every kind as a number for Prometheus, in one step', async (t) => {
    const { host, audit } = await scene(t);
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    const file = join(temporaryDirectory(), 'outrigger.prom');
    writeFileSync(file, 'old');
    const umask = process.umask(0o077);
    t.after(() => process.umask(umask));
    await audit('--prometheus', file);
    const text = readFileSync(file, 'utf8');
    assert.match(text, /^outrigger_audit_findings\{kind="orphan"\} 1$/m);
    assert.match(text, /^outrigger_audit_findings\{kind="vlan"\} 0$/m);
    assert.match(text, /^outrigger_audit_time_seconds \d{10}$/m);
    assert.match(text, /^# TYPE outrigger_audit_machines gauge$/m);
    assert.equal(statSync(file).mode & 0o777, 0o644);
    assert.equal(readdirSync(join(file, '..')).length, 1);
  });

  test('audit says UNKNOWN with exit code 3 when CloudStack does not work', async (t) => {
    const { cloud } = await scene(t);
    const wrong = cloud.credentials({ secret_key: 'another' });
    const world = createWorld({ registry });
    assert.equal(await runCommand(['audit', '--credentials', wrong], world), 3);
    assert.match(
      world.printed(),
      /^OUTRIGGER UNKNOWN - (listExtensions|listVirtualMachines): CloudStack/,
    );
    const script = createWorld({ registry });
    assert.equal(await runCommand(['audit', '--credentials', wrong, '--json'], script), 3);
    const { status, error } = JSON.parse(script.printed()) as { status: number; error: string };
    assert.equal(status, 3);
    assert.match(error, /CloudStack does not accept/);
  });

  test('audit says UNKNOWN with exit code 3 when no host is served by a provider', async (t) => {
    const { audit } = await scene(t, {});
    const { code, printed } = await audit();
    assert.match(printed, /^OUTRIGGER UNKNOWN - No host is served by a provider of this file/);
    assert.equal(code, 3);
  });

  test('audit prints its findings although the file for Prometheus cannot be written', async (t) => {
    const { host, audit } = await scene(t);
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    const directory = temporaryDirectory();
    const file = join(directory, 'x.prom');
    mkdirSync(file);
    const { code, printed } = await audit('--prometheus', file);
    assert.equal(code, 3);
    assert.match(printed, /^OUTRIGGER UNKNOWN - 2 findings/);
    assert.match(printed, /orphan/);
    assert.match(printed, /prometheus +\/\S+\/x\.prom +it cannot be written \(EISDIR\)/);
    assert.deepEqual(readdirSync(directory), ['x.prom']);
  });
});

describe('audit with a file', () => {
  test('audit needs no CloudStack when the inventory holds hosts and instances', async () => {
    const host = createSimulatedHost();
    host.plant('a', { name: 'i-2-1-VM', mark: {}, nics: { [mac]: 7 } });
    const file = join(host.folder, 'inventory.json');
    const extension = { provider: 'simulator', installation: 'cs-1' };
    const nics = [{ mac: mac.toUpperCase(), broadcasturi: 'vlan://7' }];
    const instance = { uuid: uuidOf('i-2-1-VM'), name: 'i-2-1-VM', state: 'Running' };
    const inventory = {
      hosts: [{ name: 'sim1', extension, host: { node: 'sim1' } }],
      instances: [
        { ...instance, cpus: 1, memory_mb: 1024, nics },
        { uuid: uuidOf('i-2-2-VM'), name: 'i-2-2-VM', state: 'Running' },
      ],
    };
    host.plant('b', { name: 'i-2-2-VM', mark: {}, nics: { '02:00:00:00:00:02': 7 } });
    writeFileSync(file, JSON.stringify(inventory));
    const world = createWorld({ registry, env: { OUTRIGGER_CONFIG: host.config } });
    assert.equal(await runCommand(['audit', '--inventory', file], world), 0);
    assert.match(world.printed(), /^OUTRIGGER OK/);
  });

  test('audit compares size and network with the inventory', async () => {
    const host = createSimulatedHost();
    host.plant('a', { name: 'i-2-1-VM', mark: {}, nics: { [mac]: 7 } });
    const file = join(host.folder, 'inventory.json');
    const extension = { provider: 'simulator', installation: 'cs-1' };
    const nics = [{ mac, broadcasturi: 'vlan://8' }];
    const instance = { uuid: uuidOf('i-2-1-VM'), name: 'i-2-1-VM', state: 'Running' };
    const inventory = {
      hosts: [{ name: 'sim1', extension, host: { node: 'sim1' } }],
      instances: [{ ...instance, cpus: 2, memory_mb: 2048, nics }],
    };
    writeFileSync(file, JSON.stringify(inventory));
    const world = createWorld({ registry, env: { OUTRIGGER_CONFIG: host.config } });
    assert.equal(await runCommand(['audit', '--inventory', file], world), 2);
    const printed = world.printed().replace(/\s+/g, ' ');
    assert.match(printed, /is on VLAN 7, CloudStack says VLAN 8/);
    assert.match(printed, /1 CPUs where CloudStack says 2 CPUs, and 1 GiB where/);
  });

  test('audit takes the instances from the inventory and asks CloudStack for the hosts', async (t) => {
    const { host, audit } = await scene(t);
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    const file = join(host.folder, 'inventory.json');
    const instance = { uuid: uuidOf('i-2-1-VM'), name: 'i-2-1-VM', state: 'Running' };
    writeFileSync(file, JSON.stringify({ instances: [instance] }));
    assert.match((await audit('--inventory', file)).printed, /^OUTRIGGER OK - 0 findings; 1 inst/);
  });

  test('audit takes the hosts from the inventory and asks CloudStack for the instances', async (t) => {
    const { cloud, host, audit } = await scene(t);
    cloud.state.machines.push(listed('i-2-1-VM', { hostid: 'sim1' }), listed('i-2-2-VM'));
    host.plant('a', { name: 'i-2-1-VM', mark: {} });
    const file = join(host.folder, 'inventory.json');
    const extension = { provider: 'simulator', installation: 'cs-1' };
    writeFileSync(
      file,
      JSON.stringify({ hosts: [{ name: 'h', extension, host: { node: 'sim1' } }] }),
    );
    const { code, printed } = await audit('--inventory', file);
    assert.match(printed, /^OUTRIGGER CRITICAL - 1 findings; 2 instances, 1 machines, 1 hosts/);
    assert.match(printed, /missing +i-2-2-VM/);
    assert.equal(code, 2);
  });

  test('audit repeats no secret that a remote system puts into its refusal', async () => {
    const refusing = defineProvider({
      ...sample,
      connect: ({ token }) => {
        throw new Failure('denied', `It said: no user has ${String(token)}`);
      },
    });
    const file = join(temporaryDirectory(), 'inventory.json');
    const host = { provider: 'sample', url: 'https://s:1', token: 'hidden-token' };
    writeFileSync(file, JSON.stringify({ hosts: [{ name: 'h1', host }], instances: [] }));
    const world = createWorld({ providers: { sample: refusing } });
    assert.equal(await runCommand(['audit', '--inventory', file], world), 3);
    assert.match(world.printed(), /It said: no user has \*\*\*/);
  });

  const folder = temporaryDirectory();
  const odd = join(folder, 'odd.json');
  writeFileSync(odd, '{ "instances": [{ "uuid": "x", "name": "i", "state": "Running" }] }');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--inventory', '/nowhere.json'], /cannot be read \(ENOENT\)/],
    [['--inventory', odd], /"instances\.0\.uuid" must be a UUID/],
    [[], /API is needed/],
    [['--promtheus', 'x'], /did you mean --prometheus/],
  ];
  for (const [words, complaint] of cases) {
    test(`audit refuses the input with exit code 2: ${words.join(' ')}`, async () => {
      const none = { CLOUDSTACK_API_URL: undefined, CLOUDSTACK_API_KEY: undefined };
      const world = createWorld({ registry, env: { ...none, CLOUDSTACK_SECRET_KEY: undefined } });
      assert.equal(await runCommand(['audit', ...words], world), 2);
      assert.match(world.complained(), complaint);
    });
  }
});
