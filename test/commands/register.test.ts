import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  type FakeCloudStack,
  secretKey,
  startCloudStack,
} from '../../fakes/cloudstack-api/server.ts';
import { osType } from '../../fakes/cloudstack-api/state.ts';
import { readSetup } from '../../src/commands/register/setup.ts';
import { simulator } from '../../src/providers/simulator/index.ts';
import { builtFile, serviceEnv } from '../support/spawned.ts';
import { actionOf, basics, extensionOf, lab, type Ran, register, run } from './register-lab.ts';
import { temporaryDirectory } from './scripts.ts';

describe('register on a CloudStack that knows nothing', () => {
  for (const release of ['4.21.0.0', '4.22.0.0', '4.22.1.0', '4.23.0.0', '24.0.0.0'] as const) {
    test(`register makes extension, custom actions and registration on ${release}`, async (t) => {
      const cloud = await lab(t, release);
      const { code, printed, complained } = await register(cloud, '--cluster', 'ext');
      assert.equal(complained, '');
      assert.equal(code, 0);
      const { details, path, hidden, id, reserved } = extensionOf(cloud);
      assert.equal(path, 'lab_one/outrigger');
      assert.equal(hidden['orchestratorrequirespreparevm'], 'false');
      assert.equal(details['provider'], 'sample');
      assert.equal(details['url'], 'https://s:1');
      assert.match(details['installation'] ?? '', /^cs-[0-9a-f]{12}$/);
      assert.equal(reserved, /^4\.2[12]\.0/.test(release) ? '' : 'sample_id');
      const ext = cloud.state.clusters.find(({ name }) => name === 'ext');
      assert.equal(ext?.registration?.extensionId, id);
      assert.match(printed, /\+ custom action Melt\n {4}time-out: 60 s/);
      assert.match(printed, /ready/);
    });
  }

  test('register gives every action its time-out, parameters and roles, enabled', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const paint = actionOf(cloud, 'Paint');
    assert.deepEqual([paint.timeout, paint.enabled], [30, true]);
    assert.deepEqual(paint.roles.sort(), ['Admin', 'DomainAdmin', 'ResourceAdmin', 'User']);
    assert.deepEqual(paint.parameters, [
      {
        name: 'colour',
        type: 'STRING',
        validationformat: 'NONE',
        required: 'true',
        valueoptions: 'red,blue',
      },
      { name: 'coats', type: 'NUMBER', validationformat: 'NONE', required: 'false' },
    ]);
    const melt = actionOf(cloud, 'Melt');
    assert.deepEqual(melt.roles, ['Admin']);
    assert.deepEqual(
      melt.parameters.map(({ name }) => name),
      ['confirm'],
    );
  });

  test('register registers all actions for Admin only where CloudStack does not check their callers, and says so', async (t) => {
    const cloud = await lab(t, '4.21.0.0');
    const { printed } = await register(cloud);
    for (const { roles } of cloud.state.actions) assert.deepEqual(roles, ['Admin']);
    assert.match(printed, /4\.21\.0\.0 does not check who runs a custom action/);
  });

  test('register takes every action of the simulator as it is defined', async (t) => {
    const cloud = await lab(t);
    const given = ['Lab One', '--provider', 'simulator', '--credentials', cloud.credentials()];
    assert.equal((await run(given)).code, 0);
    const wanted = [...Object.keys(simulator.actions), 'ShowErrors'].sort();
    assert.deepEqual(cloud.state.actions.map(({ name }) => name).sort(), wanted);
    for (const { timeout } of cloud.state.actions) assert.ok(timeout > 3);
    const stray = { name: 'stray', type: 'STRING', validationformat: 'NONE', required: 'false' };
    actionOf(cloud, 'ListSnapshots').parameters = [stray];
    assert.match((await run(given)).printed, /parameters: stray \(STRING\) -> none/);
    assert.deepEqual(actionOf(cloud, 'ListSnapshots').parameters, []);
    assert.equal(extensionOf(cloud).hidden['orchestratorrequirespreparevm'], 'true');
  });

  test('register uses the installation that another extension of this CloudStack has', async (t) => {
    const cloud = await lab(t);
    const [builtIn] = cloud.state.extensions;
    assert.ok(builtIn);
    builtIn.details = { installation: 'cs-known' };
    await register(cloud);
    assert.equal(extensionOf(cloud).details['installation'], 'cs-known');
  });

  test('register --plan shows the plan, changes nothing and exits with 3', async (t) => {
    const cloud = await lab(t);
    const { code, printed } = await register(cloud, '--plan');
    assert.equal(code, 3);
    assert.match(printed, /^\+ extension Lab One$/m);
    assert.deepEqual(cloud.changes, []);
  });

  test('register --json prints the same as facts, planned and done', async (t) => {
    const cloud = await lab(t);
    const facts = async (...more: string[]) =>
      JSON.parse((await register(cloud, '--json', ...more)).printed) as {
        readonly changes: readonly { readonly verb: string; readonly subject: string }[];
        readonly readiness?: { readonly ready: boolean };
      };
    const made = [
      'extension Lab One',
      'custom action Melt',
      'custom action Paint',
      'custom action ShowErrors',
    ];
    for (const [more, ready] of [
      [['--plan'], undefined],
      [[], true],
    ] as const) {
      const { changes, readiness } = await facts(...more);
      const subjects = changes.map(({ verb, subject }) => `${verb} ${subject}`);
      assert.deepEqual(
        subjects,
        made.map((subject) => `create ${subject}`),
      );
      assert.equal(readiness?.ready, ready);
    }
    assert.deepEqual((await facts()).changes, []);
  });

  test('register explains that the file is missing on the servers', async (t) => {
    const cloud = await startCloudStack(t);
    const { code, printed } = await register(cloud);
    assert.equal(code, 1);
    assert.match(printed.replace(/\s+/g, ' '), /does not find \S+ ready: .*install\.sh --check/);
  });
});

describe('register --check', () => {
  const check = (cloud: FakeCloudStack, ...words: string[]) =>
    run(['--check', '--credentials', cloud.credentials(), ...words]);

  test('register --check accepts the path that install.sh uses, and changes nothing', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const before = cloud.changes.length;
    for (const words of [['Lab One'], ['lab one', '--path', 'outrigger']]) {
      const { code, printed, complained } = await check(cloud, ...words);
      assert.equal(code, 0, complained);
      const told = printed.replace(/\s+/g, ' ');
      assert.match(told, /finds \S+\/lab_one\/outrigger ready.* until they reconnect/);
    }
    const { code, printed } = await check(cloud, '--path', 'lab_one/outrigger', '--json');
    assert.equal(code, 0);
    assert.equal(JSON.parse(printed).extension, 'Lab One');
    assert.equal(cloud.changes.length, before);
  });

  test('register --check tells another path, a file that is not ready and an unknown extension apart', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const other = await check(cloud, 'Lab One', '--path', 'lab_one/entry');
    assert.equal(other.code, 3);
    assert.match(
      other.printed.replace(/\s+/g, ' '),
      /calls \S+\/lab_one\/outrigger .* not lab_one\/entry/,
    );
    cloud.state.files.clear();
    const missing = await check(cloud, 'Lab One');
    assert.equal(missing.code, 3);
    assert.match(
      missing.printed.replace(/\s+/g, ' '),
      /does not find .* hosts that connected before that have to be reconnected/,
    );
    for (const words of [['Lab Two'], ['--path', 'lab_two/outrigger']]) {
      const { code, printed } = await check(cloud, ...words);
      assert.equal(code, 3);
      assert.match(printed, /has no extension/);
    }
  });

  test('register --check says that an extension is disabled, and finds a built-in one by its path', async (t) => {
    const cloud = await lab(t);
    const [builtIn] = cloud.state.extensions;
    assert.ok(builtIn);
    const path = ['--path', builtIn.path];
    assert.equal((await check(cloud, ...path)).code, 0);
    builtIn.state = 'Disabled';
    const { code, printed } = await check(cloud, ...path);
    assert.equal(code, 3);
    assert.match(printed, /is disabled/);
  });

  test('register --check of a built-in extension gives advice that can be followed', async (t) => {
    const cloud = await lab(t);
    const named = await check(cloud, 'Proxmox');
    assert.equal(named.code, 0);
    const told = named.printed.replace(/\s+/g, ' ');
    assert.match(told, /built into CloudStack, which calls \S+\/Proxmox\/proxmox\.sh for it/);
    assert.match(told, /`install\.sh --replace Proxmox\/proxmox\.sh --check` says/);
    const moved = await check(cloud, 'Proxmox', '--path', 'proxmox/outrigger');
    assert.equal(moved.code, 3);
    const advice = moved.printed.replace(/\s+/g, ' ');
    assert.match(advice, /`install\.sh --replace Proxmox\/proxmox\.sh` puts Outrigger there/);
    for (const { printed } of [named, moved]) assert.doesNotMatch(printed, /remove/);
  });

  test('register --check makes one _ of every character that CloudStack does not take, as install.sh does', async (t) => {
    const cloud = await lab(t);
    cloud.state.files.add('l_b___2/outrigger');
    await run(['Läb 🚀2', ...basics.slice(1), '--credentials', cloud.credentials()]);
    assert.equal((await check(cloud, 'Läb 🚀2')).code, 3);
    cloud.state.files.add('l_b__2/outrigger');
    assert.equal((await check(cloud, 'Läb 🚀2')).code, 0);
  });

  test('register --check refuses options that change anything, and needs a name or a path', async (t) => {
    const cloud = await lab(t);
    for (const words of [['Lab One', '--remove'], ['Lab One', '--plan'], []]) {
      const { code, complained } = await check(cloud, ...words);
      assert.equal(code, 2);
      assert.match(complained, /--check (does not go with|needs)/);
    }
    assert.deepEqual(cloud.commands, []);
  });

  test('register --check takes the keys from standard input, too', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const input = readFileSync(cloud.credentials());
    const words = ['register', 'Lab One', '--check', '--credentials', '-'];
    const child = execFile(builtFile, words, { env: serviceEnv() });
    child.stdin?.end(input);
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 0);
  });
});

describe('register on a CloudStack that knows it already', () => {
  test('register changes nothing on a CloudStack that is as wanted, and says so', async (t) => {
    const cloud = await lab(t);
    await register(cloud, '--cluster', 'ext');
    const before = cloud.changes.length;
    const again = await register(cloud, '--cluster', 'ext');
    assert.equal(again.code, 0);
    assert.match(again.printed, /Nothing to change/);
    assert.equal(cloud.changes.length, before);
    assert.equal((await register(cloud, '--plan')).code, 0);
  });

  test('register keeps the details that others have put there when it adds its own', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const extension = extensionOf(cloud);
    const { installation } = extension.details;
    extension.details = { ...extension.details, theirs: 'kept', url: 'https://old:1' };
    const { printed } = await register(cloud);
    assert.match(printed, /detail url: https:\/\/old:1 -> https:\/\/s:1/);
    assert.equal(extension.details['theirs'], 'kept');
    assert.equal(extension.details['url'], 'https://s:1');
    assert.equal(extension.details['installation'], installation);
  });

  test('register brings an action back that has drifted, Admin included', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    Object.assign(actionOf(cloud, 'Melt'), { roles: ['User'], timeout: 3 });
    Object.assign(actionOf(cloud, 'Paint'), { parameters: [] });
    const { printed } = await register(cloud);
    assert.match(printed, /time-out: 3 s -> 60 s/);
    assert.match(printed, /roles: User -> Admin/);
    assert.match(
      printed,
      /parameters: none -> colour \(STRING, one of red blue, required\), coats/,
    );
    const { roles, timeout } = actionOf(cloud, 'Melt');
    assert.deepEqual([roles, timeout], [['Admin'], 60]);
    assert.equal(actionOf(cloud, 'Paint').parameters.length, 2);
    assert.ok(actionOf(cloud, 'Paint').roles.includes('Admin'));
  });

  test('register never opens or switches on an action that an operator has restricted by hand', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const paint = actionOf(cloud, 'Paint');
    Object.assign(paint, { roles: ['Admin'], enabled: false, timeout: 3 });
    const { printed } = await register(cloud);
    assert.deepEqual([paint.roles, paint.enabled, paint.timeout], [['Admin'], false, 30]);
    const told = printed.replace(/\s+/g, ' ');
    assert.match(told, /Paint stays closed to ResourceAdmin, DomainAdmin, User: "roles" in the/);
    assert.match(told, /Custom action Paint is disabled and stays so/);
    assert.match((await register(cloud)).printed, /Nothing to change/);
  });

  test('register brings back whether prepare is asked and which details tenants may not edit', async (t) => {
    const cloud = await lab(t, '4.23.0.0');
    await register(cloud);
    const extension = extensionOf(cloud);
    extension.hidden['orchestratorrequirespreparevm'] = 'true';
    extension.reserved = 'theirs';
    const { printed } = await register(cloud);
    assert.match(printed, /asks prepare first: true -> false/);
    assert.match(printed, /reserved details: theirs,sample_id/);
    assert.equal(extension.hidden['orchestratorrequirespreparevm'], 'false');
    assert.equal(extension.reserved, 'theirs,sample_id');
    assert.match((await register(cloud)).printed, /Nothing to change/);
  });

  test('register leaves longer time-outs and unknown actions alone', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const melt = actionOf(cloud, 'Melt');
    melt.timeout = 900;
    cloud.state.actions.push({ ...melt, id: 'other', name: 'Theirs' });
    const { printed } = await register(cloud);
    assert.equal(melt.timeout, 900);
    assert.match(printed, /Other custom actions are left alone: Theirs/);
    assert.match(printed, /Nothing to change/);
    melt.description = 'Old words';
    assert.match(
      (await register(cloud)).printed,
      /description: Old words -> Throws the instance's data away\. Turns it into/,
    );
    assert.match(
      melt.description ?? '',
      /^Throws the instance's data away\. Turns it into a puddle\. /,
    );
    assert.equal(melt.timeout, 900);
  });

  test('register refuses another path, or a directory that is taken', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    const moved = await register(cloud, '--path', 'lab_one/elsewhere');
    assert.match(moved.complained, /its path cannot be changed/);
    const twin = ['lab_One', '--provider', 'sample', '--credentials', cloud.credentials()];
    assert.match((await run(twin)).complained, /"Lab One" has the same directory as "lab_One"/);
  });

  test('register takes no built-in extension over because its name is alike', async (t) => {
    const cloud = await lab(t);
    const given = ['proxmox', '--provider', 'sample', '--credentials', cloud.credentials()];
    const { code, complained } = await run(given);
    assert.equal(code, 1);
    assert.match(complained, /has an extension "Proxmox" already/);
    assert.deepEqual(cloud.changes, []);
  });

  test('register says that an extension is disabled, and leaves it so', async (t) => {
    const cloud = await lab(t);
    await register(cloud);
    extensionOf(cloud).state = 'Disabled';
    const { code, printed } = await register(cloud);
    assert.match(printed, /Note: The extension Lab One is disabled and stays so/);
    assert.match(printed, /CloudStack will not call it before updateExtension/);
    assert.equal(code, 0);
    assert.equal(extensionOf(cloud).state, 'Disabled');
  });

  test('register adds details to a built-in extension and leaves its path alone', async (t) => {
    const cloud = await lab(t);
    const [builtIn] = cloud.state.extensions;
    const given = ['Proxmox', '--provider', 'sample', '--credentials', cloud.credentials()];
    const { code, printed } = await run([...given, '--installation', 'cs-1']);
    assert.equal(code, 0);
    assert.deepEqual(builtIn?.details, { provider: 'sample', installation: 'cs-1' });
    assert.match(printed, /built into CloudStack/);
  });
});

describe('register with secrets', () => {
  const file = join(temporaryDirectory(), 'token');
  writeFileSync(file, 's3cret-token\n');

  test('register takes secrets from files and prints them nowhere', async (t) => {
    const cloud = await lab(t);
    const given = ['--secret', `token=${file}`];
    const planned = await register(cloud, ...given, '--plan');
    assert.match(planned.printed, /"token" holds a secret, which CloudStack writes to management-/);
    const done = await register(cloud, ...given, '--json');
    assert.equal(extensionOf(cloud).details['token'], 's3cret-token');
    extensionOf(cloud).details['token'] = 'older-token';
    const drifted = await register(cloud, ...given, '--plan');
    assert.match(drifted.printed, /detail token: \(secret\) -> \(secret\)/);
    const printed = await register(cloud, ...given, '--print');
    const all = [planned, done, drifted, printed].map((each) => each.printed + each.complained);
    for (const text of all) {
      assert.doesNotMatch(text, /s3cret-token|older-token/);
      assert.ok(!text.includes(secretKey));
    }
    assert.match(printed.printed, /'details\[0\]\.token='"\$\{TOKEN_SECRET\}"/);
    const theirs = await register(cloud, '--detail', 'proxy_password=hunter2', '--plan');
    assert.match(theirs.printed, /detail proxy_password: \(secret\)$/m);
    const named = await register(cloud, '--detail', 'token_file=lab-token', '--plan');
    assert.match(named.printed, /detail token_file: lab-token$/m);
  });
});

describe('register with a file for a whole zone', () => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'token'), 'host-token');
  const setup = {
    extension: {
      name: 'Lab One',
      provider: 'sample',
      description: 'The lab',
      details: { allowed_shapes: 'round' },
      actions: { Paint: { roles: ['DomainAdmin'], timeout: 99, details: { shiny: 'true' } } },
    },
    zone: 'zone1',
    pod: 'pod1',
    clusters: [
      {
        name: 'lab',
        arch: 'x86_64',
        details: { verify: true },
        hosts: [{ name: 'node1', details: { url: 'https://n1:1', token: { file: 'token' } } }],
      },
    ],
    templates: [
      { name: 'debian', ostype: osType.description, details: { shape: 'round', size_gb: 8 } },
    ],
  };
  const file = join(folder, 'zone.json');
  writeFileSync(file, JSON.stringify(setup));

  test('register makes cluster, host and template with their details, and a second run makes none', async (t) => {
    const cloud = await lab(t);
    cloud.state.slow.add('addHost');
    const given = ['--setup', file, '--credentials', cloud.credentials()];
    const { code, complained, printed } = await run(given);
    assert.equal(complained, '');
    assert.equal(code, 0);
    const { state } = cloud;
    const cluster = state.clusters.find(({ name }) => name === 'lab');
    const { installation } = extensionOf(cloud).details;
    assert.deepEqual(cluster?.registration?.details, { verify: 'true', installation });
    const [host] = state.hosts;
    assert.equal(host?.clusterId, cluster?.id);
    assert.deepEqual(host?.details, {
      'External:url': 'https://n1:1',
      'External:token': 'host-token',
    });
    const [template] = state.templates;
    assert.deepEqual(template?.details, { 'External:shape': 'round', 'External:size_gb': '8' });
    const paint = actionOf(cloud, 'Paint');
    assert.deepEqual([paint.roles.sort(), paint.timeout], [['Admin', 'DomainAdmin'], 99]);
    assert.deepEqual(paint.details, { shiny: 'true' });
    assert.doesNotMatch(printed, /host-token/);
    const before = cloud.changes.length;
    const again = await run(given);
    assert.match(again.printed, /Nothing to change/);
    assert.equal(cloud.changes.length, before);
  });

  test('register opens a restricted action where the setup file says so', async (t) => {
    const cloud = await lab(t);
    const open = join(folder, 'open.json');
    const given = ['--setup', open, '--credentials', cloud.credentials()];
    const write = (wish: object): void => {
      const extension = { ...setup.extension, actions: { Paint: wish } };
      writeFileSync(open, JSON.stringify({ ...setup, extension }));
    };
    write({});
    await run(given);
    const paint = actionOf(cloud, 'Paint');
    Object.assign(paint, { roles: ['Admin'], enabled: false });
    write({ roles: ['User'], enabled: true });
    await run(given);
    assert.deepEqual([paint.roles, paint.enabled], [['Admin', 'User'], true]);
    paint.roles = ['Admin'];
    write({ roles: 'suggested' });
    await run(given);
    assert.equal(paint.roles.length, 4);
  });

  test('register --prune takes away the details and actions that the file lacks, after the plan', async (t) => {
    const cloud = await lab(t, '4.23.0.0');
    const given = ['--setup', file, '--credentials', cloud.credentials()];
    await run(given);
    const cluster = cloud.state.clusters.find(({ name }) => name === 'lab');
    const [host] = cloud.state.hosts;
    const [template] = cloud.state.templates;
    const own = extensionOf(cloud);
    assert.ok(cluster?.registration && host && template);
    own.details = { ...own.details, theirs: '1' };
    cluster.registration.details = { ...cluster.registration.details, theirs: '2' };
    host.details = { ...host.details, 'External:theirs': '3' };
    template.details = { ...template.details, 'External:theirs': '4', Message: 'kept' };
    cloud.state.actions.push({ ...actionOf(cloud, 'Melt'), id: 'other', name: 'Theirs' });
    assert.match((await run([...given, '--plan'])).printed, /Nothing to change/);
    const planned = await run([...given, '--prune', '--plan']);
    for (const value of [1, 2, 3, 4]) {
      assert.match(planned.printed, new RegExp(`detail theirs: ${value} -> \\(removed\\)`));
    }
    assert.match(planned.printed, /- custom action Theirs/);
    assert.equal((await run([...given, '--prune'])).code, 0);
    for (const { details } of [own, cluster.registration, host]) {
      assert.ok(!Object.keys(details).some((key) => key.includes('theirs')));
    }
    assert.deepEqual(Object.keys(template.details).sort(), [
      'External:shape',
      'External:size_gb',
      'Message',
    ]);
    assert.ok(own.details['installation'] && cluster.registration.details['installation']);
    assert.ok(!cloud.state.actions.some(({ name }) => name === 'Theirs'));
    const alone = ['Lab One', '--provider', 'sample', '--prune'];
    assert.match((await run(alone)).complained, /--prune needs --setup/);
  });

  test('register --plan --json shows every parameter as it will be sent, and no secret', async (t) => {
    const cloud = await lab(t);
    const given = ['--setup', file, '--credentials', cloud.credentials(), '--json'];
    const planned = JSON.parse((await run([...given, '--plan'])).printed) as {
      readonly changes: readonly { command: string; parameters: Record<string, string> }[];
    };
    assert.equal((await run(given)).code, 0);
    const sent = cloud.changes.map(([command, form]) => [command, form] as const);
    assert.deepEqual(
      planned.changes.map(({ command }) => command),
      sent.map(([command]) => command),
    );
    for (const [at, { command, parameters }] of planned.changes.entries()) {
      for (const [name, value] of Object.entries(parameters)) {
        if (value.startsWith('<') || value === '(secret)' || /installation/.test(name)) continue;
        assert.equal(sent[at]?.[1].get(name), value, `${command} ${name}`);
      }
    }
    assert.doesNotMatch(JSON.stringify(planned), /host-token/);
  });

  test('register gives an action the time-out that the file wishes, also where it is longer', async (t) => {
    const cloud = await lab(t);
    const given = ['--setup', file, '--credentials', cloud.credentials()];
    await run(given);
    const paint = actionOf(cloud, 'Paint');
    Object.assign(paint, { timeout: 900, details: { shiny: 'false', theirs: 'kept' } });
    const { printed } = await run(given);
    assert.match(printed, /time-out: 900 s -> 99 s\n {4}detail shiny: false -> true/);
    assert.equal(paint.timeout, 99);
    assert.deepEqual(paint.details, { shiny: 'true', theirs: 'kept' });
  });

  test('register asks for zone, pod and OS type that CloudStack has, before anything is changed', async (t) => {
    const cloud = await lab(t);
    const wrong = join(folder, 'wrong.json');
    const [template] = setup.templates;
    for (const [part, complaint] of [
      [{ zone: 'nowhere' }, /There is no zone "nowhere" in CloudStack/],
      [{ pod: 'nowhere' }, /There is no pod "nowhere" in CloudStack/],
      [{ templates: [{ ...template, ostype: 'BeOS' }] }, /There is no OS type "BeOS"/],
    ] as const) {
      writeFileSync(wrong, JSON.stringify({ ...setup, ...part }));
      const given = ['--setup', wrong, '--credentials', cloud.credentials()];
      const { code, complained } = await run(given);
      assert.match(complained, complaint);
      assert.equal(code, 1);
    }
    assert.deepEqual(cloud.changes, []);
  });

  test('register updates a registration that has drifted and keeps its other details', async (t) => {
    const cloud = await lab(t);
    const given = ['--setup', file, '--credentials', cloud.credentials()];
    await run(given);
    const registration = cloud.state.clusters.find(({ name }) => name === 'lab')?.registration;
    assert.ok(registration);
    registration.details = { verify: 'false', theirs: 'kept' };
    assert.match((await run(given)).printed, /detail verify: false -> true/);
    const { installation } = extensionOf(cloud).details;
    assert.deepEqual(registration.details, { verify: 'true', theirs: 'kept', installation });
  });

  test('register mends a secret of a registration, and writes one again that is gone', async (t) => {
    const cloud = await lab(t);
    const own = join(folder, 'own.json');
    const [cluster] = setup.clusters;
    const clusters = [{ ...cluster, details: { verify: true, token: { file: 'token' } } }];
    const extension = { ...setup.extension, description: 'The lab' };
    writeFileSync(own, JSON.stringify({ ...setup, extension, clusters }));
    const given = ['--setup', own, '--credentials', cloud.credentials()];
    await run(given);
    const registration = cloud.state.clusters.find(({ name }) => name === 'lab')?.registration;
    assert.ok(registration);
    registration.details = { verify: 'true', token: 'older' };
    extensionOf(cloud).description = 'Another lab';
    const { printed } = await run(given);
    assert.match(printed, /detail token: \(secret\) -> \(secret\)/);
    assert.match(printed, /description: Another lab -> The lab/);
    assert.equal(registration.details['token'], 'host-token');
    assert.equal(extensionOf(cloud).description, 'The lab');
    registration.details = { verify: 'true' };
    assert.match((await run(given)).printed, /registration with cluster lab\n.*token: \(secret\)/);
    assert.equal(registration.details['token'], 'host-token');
    registration.details = {};
    assert.match((await run(given)).printed, /detail verify: true/);
  });

  test('register takes a cluster in the file and on the command line for one and the same', async (t) => {
    const cloud = await lab(t);
    const given = ['--setup', file, '--cluster', 'lab', '--credentials', cloud.credentials()];
    assert.equal((await run(given)).code, 0);
    assert.equal(cloud.changes.filter(([command]) => command === 'addCluster').length, 1);
    assert.ok(!cloud.commands.includes('registerExtension'));
  });

  test('register switches off the custom actions that the file disables, and leaves them off', async (t) => {
    const cloud = await lab(t);
    const off = join(folder, 'off.json');
    const actions = { Paint: { enabled: false } };
    const extension = { ...setup.extension, actions };
    writeFileSync(off, JSON.stringify({ ...setup, extension }));
    const given = ['--setup', off, '--credentials', cloud.credentials()];
    await run(given);
    assert.equal(actionOf(cloud, 'Paint').enabled, false);
    assert.match((await run(given)).printed, /Nothing to change/);
    actionOf(cloud, 'Paint').enabled = true;
    await run(given);
    assert.equal(actionOf(cloud, 'Paint').enabled, false);
  });

  test('register leaves clusters and templates of the same names in other zones alone', async (t) => {
    const cloud = await lab(t);
    const zoneId = 'another zone';
    cloud.state.clusters.push({ id: 'c-far', name: 'lab', hypervisor: 'External', zoneId });
    const twin = { id: 't-far', name: 'debian', extensionId: undefined, zoneId, details: {} };
    cloud.state.templates.push(twin);
    const { code } = await run(['--setup', file, '--credentials', cloud.credentials()]);
    assert.equal(code, 0);
    const made = cloud.state.clusters.filter(({ name }) => name === 'lab');
    assert.equal(made.length, 2);
    assert.equal(made[0]?.registration, undefined);
    assert.equal(cloud.state.hosts[0]?.clusterId, made[1]?.id);
    assert.equal(cloud.state.templates.filter(({ name }) => name === 'debian').length, 2);
  });

  test('register updates a host that has drifted and keeps its other details', async (t) => {
    const cloud = await lab(t);
    const given = ['--setup', file, '--credentials', cloud.credentials()];
    await run(given);
    const [host] = cloud.state.hosts;
    assert.ok(host);
    host.details = { 'External:url': 'https://old:1', 'External:theirs': 'kept' };
    const { printed } = await run(given);
    assert.match(printed, /~ host node1\n {4}detail url: https:\/\/old:1 -> https:\/\/n1:1/);
    assert.deepEqual(host.details, {
      'External:url': 'https://n1:1',
      'External:token': 'host-token',
      'External:theirs': 'kept',
    });
  });

  test('register makes a host that is missing in its cluster, and takes no other one for it', async (t) => {
    const cloud = await lab(t);
    const given = ['--credentials', cloud.credentials(), '--setup'];
    await run([...given, file]);
    const [cluster] = setup.clusters;
    const more = async (name: string): Promise<Ran> => {
      const hosts = [
        ...(cluster?.hosts ?? []),
        { name, details: { url: 'https://n2:1', token: 't' } },
      ];
      const two = join(folder, 'two.json');
      writeFileSync(two, JSON.stringify({ ...setup, clusters: [{ ...cluster, hosts }] }));
      return run([...given, two]);
    };
    const { printed } = await more('node2');
    assert.match(printed, /^\+ host node2$/m);
    assert.doesNotMatch(printed, /host node1/);
    const made = cloud.state.hosts.find(({ name }) => name === 'node2');
    assert.deepEqual(made?.details, { 'External:url': 'https://n2:1', 'External:token': 't' });
    assert.match((await more('node2')).printed, /Nothing to change/);
    const elsewhere = { id: 'far', name: 'node3', clusterId: 'another', details: {} };
    cloud.state.hosts.push(elsewhere);
    assert.equal((await more('node3')).code, 1);
    assert.deepEqual(elsewhere.details, {});
  });

  test('register notes that CloudStack does not show the details of hosts', async (t) => {
    const cloud = await lab(t);
    cloud.state.showsHostDetails = false;
    const given = ['--setup', file, '--credentials', cloud.credentials()];
    await run(given);
    assert.match((await run(given)).printed, /does not show the details of host node1/);
  });

  test('register --print writes commands that a shell can read, without asking CloudStack', async () => {
    const { code, printed } = await run(['--setup', file, '--print']);
    assert.equal(code, 0);
    assert.match(printed, /^cmk -o json add customaction extensionid="\$\{EXTENSION\}"/m);
    assert.match(printed, /^CLUSTER_\d+=\$\(cmk -o json add cluster /m);
    assert.doesNotMatch(printed, /host-token/);
    const checked = spawnSync('sh', ['-n'], { input: printed, encoding: 'utf8' });
    assert.equal(checked.stderr, '');
  });

  test('register looks a cluster of the command line up, and does not make it', async () => {
    const { code, printed } = await run([...basics, '--cluster', 'ext', '--print']);
    assert.equal(code, 0);
    assert.match(printed, /^CLUSTER_\d+=\$\(cmk -o json list clusters /m);
    assert.match(printed, /^cmk -o json register extension /m);
    assert.doesNotMatch(printed, /add cluster/);
  });

  test('register --print writes commands whose words arrive as they are meant', async () => {
    const { printed } = await run(['--setup', file, '--print']);
    const tools = `cmk() { shift 2; for word; do printf '%s\\n' "$word" >&2; done; }\njq() { echo id-1; }\n`;
    const env = { ...process.env, TOKEN_SECRET: 'to k"en' };
    const played = spawnSync('sh', [], { input: tools + printed, encoding: 'utf8', env });
    assert.equal(played.status, 0, played.stderr);
    const words = played.stderr.split('\n');
    for (const word of [
      'externaldetails[0].token=to k"en',
      'description=Gives it a colour. colour: which one. coats: how often (optional).',
      'extensionid=id-1',
      'parameters[0].valueoptions=red,blue',
    ]) {
      assert.ok(words.includes(word), word);
    }
  });

  test('register --print asks for each secret by itself, and names its place', async () => {
    const [first] = setup.clusters;
    writeFileSync(join(folder, 'token-2'), 'another');
    const hosts = ['token', 'token-2', 'token'].map((name, at) => ({
      ...{ name: `node${at}`, details: { url: 'https://n:1', token: { file: name } } },
    }));
    const several = join(folder, 'several.json');
    writeFileSync(several, JSON.stringify({ ...setup, clusters: [{ ...first, hosts }] }));
    const { printed } = await run(['--setup', several, '--print']);
    assert.match(printed, /^# TOKEN_SECRET: token of host node0\n/m);
    assert.match(printed, /^# TOKEN_SECRET_2: token of host node1\n/m);
    const given = [...printed.matchAll(/url=node(\d) .*"\$\{(TOKEN\w+)\}"/g)];
    assert.deepEqual(
      given.map(([, node, variable]) => `${node} ${variable}`),
      ['0 TOKEN_SECRET', '1 TOKEN_SECRET_2', '2 TOKEN_SECRET'],
    );
  });

  test('register --print writes commands that stop at the first that fails', async () => {
    const { printed } = await run(['--setup', file, '--print']);
    const tools = `cmk() { echo "$3" >&2; test "$3" = list && echo '{}'; }\njq() { grep -q . && echo id-1; }\n`;
    const env = { ...process.env, TOKEN_SECRET: 'x' };
    const played = spawnSync('sh', [], { input: tools + printed, encoding: 'utf8', env });
    assert.notEqual(played.status, 0);
    assert.deepEqual(played.stderr.trim().split('\n').slice(-2), ['list', 'create']);
  });

  /** Runs the printed commands with a cmk that answers from these files; jq is the genuine one. */
  function play(printed: string, lists: Readonly<Record<string, object>>) {
    const answers = Object.entries(lists).map(
      ([words, answer]) => `"${words}") echo '${JSON.stringify(answer)}';;`,
    );
    const cmk = `cmk() { echo "$*" >&2; case "$3 $4 ${'$'}{5-}" in ${answers.join(' ')} *) case "$3" in list) echo '{}';; *) echo '{"x":{"id":"made"}}';; esac;; esac; }\n`;
    const env = { ...process.env, TOKEN_SECRET: 'x' };
    return spawnSync('sh', [], { input: cmk + printed, encoding: 'utf8', env });
  }

  const noJq = spawnSync('jq', ['--version']).error === undefined ? false : 'jq is not there';

  test('register --print looks for pod and cluster in their zone, and stops unless exactly one matches', {
    skip: process.env['CI'] === 'true' ? false : noJq,
  }, async () => {
    const own = join(folder, 'print.json');
    const [cluster] = setup.clusters;
    writeFileSync(own, JSON.stringify({ ...setup, clusters: [cluster] }));
    const { printed } = await run(['--setup', own, '--print']);
    assert.match(printed, /list pods zoneid="\$\{ZONE_\d\}"/);
    const lists = {
      'list zones ': { zone: [{ id: 'z1', name: 'zone1' }] },
      'list pods zoneid=z1': { pod: [{ id: 'p1', name: 'pod1' }] },
      'list ostypes ': { ostype: [{ id: 'o1', description: osType.description }] },
    };
    const good = play(printed, lists);
    assert.equal(good.status, 0, good.stderr);
    assert.match(good.stderr, /add cluster .*zoneid=z1 podid=p1/);
    const zones = {
      zone: [
        { id: 'z1', name: 'zone1' },
        { id: 'z2', name: 'zone1' },
      ],
    };
    const two = play(printed, { ...lists, 'list zones ': zones });
    assert.notEqual(two.status, 0);
    assert.match(two.stderr, /2 of the zone zone1, not one/);
    assert.doesNotMatch(two.stderr, /create extension/);
    const none = play(printed, { ...lists, 'list pods zoneid=z1': {} });
    assert.match(none.stderr, /0 of the pod pod1, not one/);
  });

  test('register accepts the setup file that the documentation shows', () => {
    const page = readFileSync('docs/registering.md', 'utf8');
    const shown = [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
    const example = shown.find((text) => text.includes('"clusters"'));
    const path = join(folder, 'shown.json');
    writeFileSync(path, example ?? '');
    assert.equal(readSetup(path).clusters[0]?.hosts[0]?.name, 'pve1');
  });

  test('register refuses setup files that contradict themselves or hold unknown keys', async () => {
    const broken: readonly (readonly [object, RegExp])[] = [
      [{ ...setup, zone: undefined }, /clusters need "zone" and "pod"/],
      [{ ...setup, zon: 'x' }, /"zon"/],
      [{ ...setup, clusters: [...setup.clusters, ...setup.clusters] }, /stands there twice/],
      [{ extension: { name: 'x', provider: 'sample', actions: { Pant: {} } } }, /mean Paint\?/],
      [{ extension: { provider: 'sample' } }, /"extension\.name"/],
    ];
    for (const [content, complaint] of broken) {
      const bad = join(folder, 'bad.json');
      writeFileSync(bad, JSON.stringify(content));
      const { code, complained } = await run(['--setup', bad, '--print']);
      assert.equal(code, 2);
      assert.match(complained, complaint);
    }
  });
});

describe('register --remove', () => {
  test('register --remove takes registration, actions and extension away and leaves the file', async (t) => {
    const cloud = await lab(t);
    await register(cloud, '--cluster', 'ext');
    const given = ['Lab One', '--remove', '--credentials', cloud.credentials()];
    assert.equal((await run([...given, '--plan'])).code, 3);
    const { code, printed } = await run(given);
    assert.equal(code, 0);
    assert.match(printed, /- extension Lab One/);
    assert.deepEqual(cloud.state.actions, []);
    assert.equal(cloud.state.extensions.length, 1);
    assert.ok(cloud.state.files.has('lab_one/outrigger'));
    assert.match((await run(given)).printed, /There is no extension Lab One/);
  });

  test('register --remove refuses while there are templates, which CloudStack would say only at the end', async (t) => {
    const cloud = await lab(t);
    await register(cloud, '--cluster', 'ext');
    const { id: extensionId } = extensionOf(cloud);
    const template = { id: 't', name: 'debian', extensionId, details: {} };
    cloud.state.templates.push(template, { ...template, id: 'o', extensionId: 'another' });
    const before = cloud.changes.length;
    for (const more of [[], ['--plan']]) {
      const words = ['Lab One', '--remove', '--credentials', cloud.credentials(), ...more];
      const { code, complained } = await run(words);
      assert.match(complained, /still has the templates debian\. Delete them \(deleteTemplate\)/);
      assert.equal(code, 1);
    }
    assert.equal(cloud.changes.length, before);
    cloud.state.templates.shift();
    assert.equal(
      (await run(['Lab One', '--remove', '--credentials', cloud.credentials()])).code,
      0,
    );
  });

  test('register --remove refuses while hosts are served, and for a built-in extension', async (t) => {
    const cloud = await lab(t);
    await register(cloud, '--cluster', 'ext');
    const ext = cloud.state.clusters.find(({ name }) => name === 'ext');
    cloud.state.hosts.push({ id: 'h', name: 'node1', clusterId: ext?.id ?? '', details: {} });
    cloud.state.hosts.push({ id: 'o', name: 'other', clusterId: 'elsewhere', details: {} });
    const before = cloud.changes.length;
    const served = await run(['Lab One', '--remove', '--credentials', cloud.credentials()]);
    assert.equal(served.code, 1);
    assert.match(served.complained, /still serves the hosts node1\. .*prepareHostForMaintenance/);
    assert.match(served.complained, /forced=true while instances are there makes them Stopped/);
    const [builtIn] = cloud.state.extensions;
    const paint = actionOf(cloud, 'Paint');
    assert.ok(builtIn);
    cloud.state.actions.push({ ...paint, id: 'added', extensionId: builtIn.id });
    const own = await run(['Proxmox', '--remove', '--credentials', cloud.credentials()]);
    assert.match(own.complained, /built into CloudStack/);
    assert.match(own.complained, /install\.sh --replace Proxmox\/proxmox\.sh --uninstall --force/);
    assert.match(own.complained, /cmk delete customaction id=added \(Paint\)/);
    assert.equal(cloud.changes.length, before);
  });
});

describe('register that CloudStack refuses', () => {
  test('register explains a wrong key, and clocks that differ', async (t) => {
    const cloud = await lab(t);
    const wrong = cloud.credentials({ secret_key: 'another' });
    const refused = await run([...basics, '--credentials', wrong]);
    assert.equal(refused.code, 1);
    assert.match(refused.complained, /does not accept the API key or the signature \(401\)/);
    assert.match(refused.complained, /Check that key and secret belong together/);
    cloud.setClock(3_600_000);
    assert.match((await register(cloud)).complained, /clocks differ by 3[56]\d\d s/);
  });

  test('register explains clusters that cannot be taken, before anything is changed', async (t) => {
    const cloud = await lab(t);
    assert.match((await register(cloud, '--cluster', 'kvm')).complained, /is one of KVM/);
    assert.match(
      (await register(cloud, '--cluster', 'nowhere')).complained,
      /no cluster "nowhere"/,
    );
    const [builtIn] = cloud.state.extensions;
    const ext = cloud.state.clusters.find(({ name }) => name === 'ext');
    assert.ok(ext && builtIn);
    ext.registration = { extensionId: builtIn.id, details: {} };
    assert.match(
      (await register(cloud, '--cluster', 'ext')).complained,
      /extension Proxmox already/,
    );
    assert.deepEqual(cloud.changes, []);
  });

  test('register says after which change it failed, and goes on from there the next time', async (t) => {
    const cloud = await lab(t);
    cloud.state.slow.add('addCustomAction');
    await register(cloud);
    cloud.state.actions.length = 0;
    const { id } = extensionOf(cloud);
    extensionOf(cloud).details['url'] = 'https://old:1';
    cloud.state.actions.push = () => {
      throw { code: 535, text: 'the database is away' };
    };
    const broken = await register(cloud);
    assert.equal(broken.code, 1);
    assert.match(broken.complained, /custom action Melt: addCustomAction: .*\(535\): the database/);
    assert.match(broken.complained, /\(1 of 4 changes were made before\)/);
    cloud.state.actions.push = Array.prototype.push;
    assert.equal((await register(cloud)).code, 0);
    assert.equal(extensionOf(cloud).id, id);
  });

  test('register says when another service answers, and when a certificate has expired', async (t) => {
    const cloud = await lab(t);
    const elsewhere = cloud.credentials({ url: `${cloud.server.url}/nowhere/api` });
    assert.match((await run([...basics, '--credentials', elsewhere])).complained, /404/);
    const unknown = cloud.credentials({ ca_file: undefined });
    assert.match((await run([...basics, '--credentials', unknown])).complained, /unknown issuer/);
  });
});

describe('register with input that makes no sense', () => {
  const folder = temporaryDirectory();
  const open = join(folder, 'open.json');
  writeFileSync(open, '{}');
  chmodSync(open, 0o644);
  const odd = join(folder, 'odd.json');
  writeFileSync(odd, '{ "secret": "x" }', { mode: 0o600 });
  const cases: readonly (readonly [readonly string[], RegExp, object?])[] = [
    [[], /The extension has no name|Which provider/],
    [['Lab'], /Missing --provider/],
    [['Lab', '--provider', 'smaple'], /did you mean "sample"/],
    [['..', '--provider', 'sample'], /cannot be the name of an extension/],
    [[' Lab', '--provider', 'sample'], /has blanks around/],
    [['x'.repeat(256), '--provider', 'sample'], /is longer than 255 characters/],
    [['Lab', '--provider', 'sample', '--path', '../x'], /leads elsewhere/],
    [['Lab', '--provider', 'sample', '--path', 'lab/a/b/c'], /two directories/],
    [['Lab', '--provider', 'sample', '--path', 'lab/lab.sh'], /stub/],
    [['Lab', '--provider', 'sample', '--detail', 'url'], /--detail has to be KEY=VALUE/],
    [['Lab', '--provider', 'sample', '--detail', 'token=s3cret'], /"token" is a secret/],
    [['Lab', '--provider', 'sample', '--secret', 'token=/nowhere'], /cannot be read \(ENOENT\)/],
    [['Lab', '--provider', 'sample', '--installation', 'a b'], /cannot be an installation/],
    [['Lab', '--provider', 'sample'], /API is needed/],
    [
      ['Lab', '--provider', 'sample', '--api', 'https://m/client/api'],
      /api_key, secret_key missing/,
    ],
    [
      ['Lab', '--provider', 'sample'],
      /secret_key missing/,
      { CLOUDSTACK_API_URL: 'https://m/c/api', CLOUDSTACK_API_KEY: 'k' },
    ],
    [['Lab', '--provider', 'sample', '--credentials', open], /All users may read/],
    [['Lab', '--provider', 'sample', '--credentials', odd], /"secret" is not known/],
    [['Lab', '--provider', 'sample', '--credentials', '/nowhere'], /ENOENT/],
    [['Lab', '--provider', 'sample', '--print', '--cloudstack', '4.20'], /has no extensions/],
    [['--remove'], /--remove needs the name/],
    [['Lab', '--remove', '--print'], /--remove does not go with --print/],
    [['Lab', '--pln'], /did you mean --plan/],
    [
      ['Lab', '--provider', 'sample', '--detail', 'url=a', '--detail', 'url=b'],
      /"url" is given twice/,
    ],
    [['Lab', '--provider', 'sample', '--print', '--plan'], /--plan does not go with --print/],
  ];
  for (const [words, complaint, env] of cases) {
    test(`register refuses the input before it asks CloudStack anything: ${words.join(' ')}${env ? ' with half the keys' : ''}`, async () => {
      const { code, complained } = await run(words, env);
      assert.match(complained, complaint);
      assert.equal(code, words.includes('--cloudstack') ? 1 : 2);
    });
  }
});
