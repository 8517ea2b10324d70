import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type FakeCloudStack, startCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { readParameters } from '../../src/cloudstack/custom.ts';
import { runCommand } from '../../src/commands/run.ts';
import type { Action } from '../../src/contract/action.ts';
import type { Instance } from '../../src/contract/instance.ts';
import { proxmox } from '../../src/providers/proxmox/index.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

/* The forms that people see in CloudStack's user interface, as register makes them. */

const folder = temporaryDirectory();
let files = 0;

type Details = Readonly<Record<string, string>>;

interface Wish {
  readonly actions?: Readonly<Record<string, object>>;
  /** The details of each host. */
  readonly hosts?: readonly Details[];
  readonly details?: Details;
}

const usual: Details = {
  url: 'https://pve1:8006',
  user: 'root@pam',
  token: 'lab',
  secret_file: 's',
};

function setUp({ actions = {}, hosts = [], details = {} }: Wish): string {
  files += 1;
  const file = join(folder, `${files}.json`);
  const cluster = {
    name: 'pve',
    hosts: hosts.map((each, at) => ({ name: `h${at}`, details: { ...usual, ...each } })),
  };
  writeFileSync(
    file,
    JSON.stringify({
      extension: { name: 'Lab One', provider: 'proxmox', details, actions },
      ...(hosts.length === 0 ? {} : { zone: 'zone1', pod: 'pod1', clusters: [cluster] }),
    }),
  );
  return file;
}

async function lab(t: TestContext): Promise<FakeCloudStack> {
  const cloud = await startCloudStack(t, '4.23.0.0');
  cloud.state.files.add('lab_one/outrigger');
  return cloud;
}

async function register(cloud: FakeCloudStack, wish: Wish, ...more: string[]): Promise<string> {
  const world = createWorld({ providers: { proxmox } });
  const given = ['--setup', setUp(wish), '--credentials', cloud.credentials(), ...more];
  const code = await runCommand(['register', ...given], world);
  assert.equal(world.complained(), '');
  assert.equal(code, 0);
  return world.printed();
}

function actionOf({ state }: FakeCloudStack, name: string) {
  const found = state.actions.find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}

function optionsOf(cloud: FakeCloudStack, action: string, parameter: string): string | undefined {
  return actionOf(cloud, action).parameters.find(({ name }) => name === parameter)?.[
    'valueoptions'
  ];
}

describe('the forms that register makes', () => {
  test('list the newest first, from everyday to dangerous', async (t) => {
    const cloud = await lab(t);
    await register(cloud, {});
    const listed = cloud.state.actions.map(({ name }) => name).reverse();
    assert.deepEqual(listed.slice(0, 3), ['ListSnapshots', 'GetIpAddresses', 'ShowErrors']);
    assert.deepEqual(listed.slice(-5), [
      'RestoreSnapshot',
      'DeleteSnapshot',
      'DeleteDisk',
      'RestoreBackup',
      'Reinstall',
    ]);
  });

  test('explain the parameters, and say after a failure where the reason is found', async (t) => {
    const cloud = await lab(t);
    await register(cloud, {});
    const { description, successMessage, errorMessage } = actionOf(cloud, 'ResizeDisk');
    assert.match(description ?? '', /size_gb: the new size of the disk in GiB, such as 40\./);
    assert.equal(successMessage, 'The disk has its new size');
    assert.match(errorMessage ?? '', /never gets smaller.*ShowErrors gives the reason\.$/);
  });

  test('have the messages and the names that the setup file gives', async (t) => {
    const cloud = await lab(t);
    const actions = {
      CreateSnapshot: {
        name: 'Create snapshot',
        successmessage: 'Saved',
        errormessage: 'Not saved',
      },
      ShowErrors: { name: 'Show errors' },
    };
    await register(cloud, { actions });
    const { successMessage, errorMessage } = actionOf(cloud, 'Create snapshot');
    assert.deepEqual([successMessage, errorMessage], ['Saved', 'Not saved']);
    assert.match(actionOf(cloud, 'Reset').errorMessage ?? '', /Show errors gives the reason\.$/);
    assert.match(await register(cloud, { actions }), /Nothing to change/);
  });

  test('are changed where their messages differ, and found under another name', async (t) => {
    const cloud = await lab(t);
    await register(cloud, {});
    const reset = actionOf(cloud, 'Reset');
    Object.assign(reset, { successMessage: undefined, errorMessage: 'Old words' });
    const printed = await register(cloud, {
      actions: { ListSnapshots: { name: 'List snapshots' } },
    });
    assert.match(printed, /~ custom action Reset\n {4}successmessage: The instance was reset\n/);
    assert.match(printed, /errormessage: Old words -> The instance was not reset/);
    assert.doesNotMatch(printed, /\+ custom action/);
    assert.match(
      printed,
      /ListSnapshots keeps its name, since CloudStack cannot change it to "List/,
    );
    assert.equal(reset.successMessage, 'The instance was reset');
  });

  test('name the parameters as the setup file does, and a call with such a name is served', async (t) => {
    const cloud = await lab(t);
    const actions = {
      'create snapshot': {
        name: 'Create snapshot',
        parameters: {
          snap_name: 'Snapshot name',
          'Snap description': 'Snapshot description',
          snap_save_memory: 'Save memory',
        },
      },
      Reinstall: { parameters: { confirm: 'Confirm' } },
      ResizeDisk: { parameters: { size_gb: 'Size in GiB' } },
    };
    await register(cloud, { actions });
    const { description, parameters } = actionOf(cloud, 'Create snapshot');
    const titles = ['Snapshot name', 'Snapshot description', 'Save memory'];
    assert.deepEqual(
      parameters.map(({ name }) => name),
      titles,
    );
    for (const title of titles) assert.ok(description?.includes(`${title}: `), description);
    assert.equal(actionOf(cloud, 'ResizeDisk').parameters[0]?.['name'], 'Size in GiB');
    assert.match(await register(cloud, { actions }), /Nothing to change/);
    const custom = {
      name: 'CreateSnapshot',
      action: proxmox.actions['CreateSnapshot'] as Action,
      isOwn: false,
    };
    const given = { 'Snapshot name': 'one', 'Snapshot description': 'two', 'Save memory': true };
    const instance = { name: 'i-2-3-VM', uuid: '0' } as Instance;
    const values = readParameters(custom, given, instance);
    assert.deepEqual(values, { snap_name: 'one', snap_description: 'two', snap_save_memory: true });
  });

  test('are refused under names that no call could be matched with', async (t) => {
    const cloud = await lab(t);
    const refused = async (actions: NonNullable<Wish['actions']>) => {
      const world = createWorld({ providers: { proxmox } });
      const given = ['--setup', setUp({ actions }), '--credentials', cloud.credentials()];
      assert.equal(await runCommand(['register', ...given], world), 2);
      return world.complained();
    };
    const create = (parameters: object) => refused({ CreateSnapshot: { parameters } });
    assert.match(await create({ snap_name: 'Title' }), /snap_name cannot be called "Title"/);
    assert.match(await create({ snap_nam: 'Name' }), /no parameter "snap_nam"; did you mean snap_/);
    assert.match(
      await create({ snap_name: 'Snap name', 'Snap-Name': 'Snap name' }),
      /"snap_name" is given twice/,
    );
    assert.match(
      await refused({ CreateSnapshot: { name: 'Take a picture' } }),
      /CreateSnapshot cannot be called "Take a picture"/,
    );
    assert.match(
      await refused({ CreateSnapshot: { details: { most: '3' } } }),
      /CreateSnapshot has no detail "most"/,
    );
    assert.deepEqual(
      cloud.state.extensions.filter(({ name }) => name === 'Lab One'),
      [],
    );
  });

  test('details are understood as people write them, and written as they are read', async (t) => {
    const cloud = await lab(t);
    const hosts = [{ Node: 'pve1', 'Allowed ISOs': 'local:iso/a.iso' }];
    await register(cloud, { hosts, details: { 'Grace seconds': '20' } });
    const own = cloud.state.extensions.find(({ name }) => name === 'Lab One');
    assert.equal(own?.details['grace_seconds'], '20');
    assert.equal(optionsOf(cloud, 'AttachIso', 'iso_path'), 'local:iso/a.iso');
    assert.match(
      await register(cloud, { hosts, details: { grace_seconds: '20' } }),
      /Nothing to change/,
    );
  });

  test('say who has a Console button that opens the operator’s own address, and reserve it where he wants', async (t) => {
    const cloud = await lab(t);
    const own = () => cloud.state.extensions.find(({ name }) => name === 'Lab One');
    const hosts = [
      { node: 'pve1', console_url: 'https://c.example.org/{uuid}', console_button: 'everyone' },
    ];
    const open = await register(cloud, { hosts });
    assert.match(open, /External:console_url is not reserved: a tenant may rewrite/);
    assert.doesNotMatch(own()?.reserved ?? '', /console_url/);
    const closed = await register(cloud, { details: { console_button: 'administrators' } });
    assert.match(closed, /External:console_url is reserved: only administrators/);
    assert.match(own()?.reserved ?? '', /External:console_url/);
    assert.doesNotMatch(await register(await lab(t), {}), /console_url/);
  });

  test('offer the nodes, images and storages that the details of all hosts name', async (t) => {
    const cloud = await lab(t);
    const hosts = [
      { node: 'pve1', nodes: 'pve1, pve2', allowed_isos: 'local:iso/a.iso' },
      { node: 'pve3', allowed_isos: 'local:iso/b.iso,local:iso/a.iso', backup_storage: 'pbs' },
    ];
    await register(cloud, { hosts, details: { other_nodes: 'pve4' } });
    assert.equal(optionsOf(cloud, 'Migrate', 'node'), 'pve1,pve2,pve3,pve4');
    assert.equal(optionsOf(cloud, 'AttachIso', 'iso_path'), 'local:iso/a.iso,local:iso/b.iso');
    assert.equal(optionsOf(cloud, 'Backup', 'storage'), undefined, 'one host names none');
    assert.match(await register(cloud, { hosts, details: { other_nodes: 'pve4' } }), /Nothing to/);
    const more = [...hosts, { node: 'pve5', allowed_isos: 'local:iso/*' }];
    const printed = await register(cloud, { hosts: more, details: { other_nodes: 'pve4' } });
    assert.match(
      printed,
      /one of pve1 pve2 pve3 pve4, required\) -> node \(STRING, one of pve1 .* pve5, required/,
    );
    assert.equal(
      optionsOf(cloud, 'AttachIso', 'iso_path'),
      undefined,
      'a pattern may be any image',
    );
    assert.match(await register(cloud, {}), /Nothing to change/, 'hosts of CloudStack count too');
  });
});
