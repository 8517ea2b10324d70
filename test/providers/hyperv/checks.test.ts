import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprintOf } from '../../../fakes/http/keys.ts';
import { gib, type HostState, newMachine, put } from '../../../fakes/winrm/state.ts';
import { type FakeOptions, startHyperV } from '../../../fakes/winrm/wsman.ts';
import type { Check } from '../../../src/contract/provider.ts';
import { silent } from '../../../src/kit/log.ts';
import type { Blueprint } from '../../../src/providers/hyperv/blueprint.ts';
import { checks } from '../../../src/providers/hyperv/doctor/checks.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import type { Settings } from '../../../src/providers/hyperv/settings.ts';
import { deadlineIn } from '../../support/http-client.ts';
import { hostDetails } from './backend.ts';
import { oops, settingsOf } from './scene.ts';

interface Found {
  readonly checks: readonly Check[];
  /** The state of a check by its name. */
  state(name: string): string | undefined;
  found(name: string): string;
}

async function examine(
  change: (state: HostState) => unknown = () => {},
  details: Readonly<Record<string, string>> = {},
  options: FakeOptions & { readonly blueprint?: Partial<Blueprint> } = {},
): Promise<Found> {
  const fake = await startHyperV(options);
  change(fake.state);
  const settings: Settings = settingsOf({ ...hostDetails(fake), ...details });
  try {
    const context = {
      deadline: deadlineIn(5_000),
      log: silent,
      installation: 'cloud',
      stateDirectory: () => '',
    };
    const all = await checks(settings, context, options.blueprint);
    assert.equal(fake.openShells(), 0);
    assert.deepEqual(fake.complaints, []);
    const named = (name: string): Check | undefined => all.find((check) => check.name === name);
    return {
      checks: all,
      state: (name) => named(name)?.state,
      found: (name) => `${named(name)?.found} ${named(name)?.advice ?? ''}`,
    };
  } finally {
    await fake.close();
  }
}

test('a healthy host passes every check', async () => {
  const { checks: all, found } = await examine();
  assert.deepEqual(
    all.filter(({ state }) => state !== 'ok'),
    [],
  );
  for (const name of ['WinRM', 'certificate', 'credentials', 'PowerShell', 'module', 'rights']) {
    assert.ok(
      all.some((check) => check.name === name),
      name,
    );
  }
  assert.match(found('certificate'), new RegExp(fingerprintOf('trusted')));
  assert.match(found('certificate'), /valid until 2125/);
});

test('a certificate that has expired is warned about where it is pinned', async () => {
  const details = { tls_fingerprint: fingerprintOf('expired') };
  const { state, found } = await examine(undefined, details, { key: 'expired' });
  assert.equal(state('certificate'), 'warn');
  assert.match(found('certificate'), /expired.*tls_fingerprint/);
  assert.equal(state('rights'), 'ok');
});

test('a certificate that is not the pinned one ends it there', async () => {
  const { state, found } = await examine(undefined, { tls_fingerprint: fingerprintOf('renewed') });
  assert.equal(state('WinRM'), 'fail');
  assert.match(found('WinRM'), /another certificate than the pinned one/);
  assert.equal(state('credentials'), 'skipped');
});

test('doctor reports a port on which another service than WinRM answers', async () => {
  const { state } = await examine((host) => host, {}, { offers: [] });
  assert.equal(state('WinRM'), 'fail');
});

test('a wrong password fails at the credentials', async () => {
  const { state } = await examine(undefined, { password: 'wrong-one' });
  assert.equal(state('WinRM'), 'ok');
  assert.equal(state('credentials'), 'fail');
  assert.equal(state('PowerShell'), 'skipped');
});

test('a login that the service does not offer fails at the credentials too', async () => {
  const { state, found } = await examine(
    undefined,
    { authentication: 'basic' },
    { offers: ['Negotiate'] },
  );
  assert.equal(state('credentials'), 'fail');
  assert.match(found('credentials'), /does not offer Basic/);
  assert.equal(state('PowerShell'), 'skipped');
});

test('a restricted PowerShell and a missing module each fail in their place', async () => {
  const restricted = await examine((host) => {
    host.languageMode = 'ConstrainedLanguage';
  });
  assert.equal(restricted.state('PowerShell'), 'fail');
  assert.match(restricted.found('PowerShell'), /AppLocker/);
  const bare = await examine((host) => {
    host.noModule = true;
  });
  assert.equal(bare.state('PowerShell'), 'ok');
  assert.equal(bare.state('module'), 'fail');
});

test('doctor reports an account without rights, a cluster and machines in doubt', async () => {
  const { state, found } = await examine((host) => {
    host.sees = false;
    Object.assign(host.cluster, { member: true, known: false });
  });
  assert.equal(state('rights'), 'fail');
  assert.equal(state('cluster'), 'warn');
  assert.match(found('cluster'), /cannot be listed/);
  const doubtful = await examine((host) => {
    const machine = newMachine({ name: 'i-2-42-VM', notes: '[outrigger:{damaged' });
    host.machines.set(machine.id, machine);
  });
  assert.equal(doubtful.state('machines'), 'warn');
  assert.match(doubtful.found('machines'), /i-2-42-VM/);
});

test('doctor reports a missing switch, a missing folder and a full volume', async () => {
  const { state, found } = await examine(
    (host) => {
      host.freeBytes = 2 * gib;
    },
    { network_switch: 'Nowhere', vm_path: '\\\\files\\vms' },
  );
  assert.equal(state('switches'), 'fail');
  assert.match(found('switches'), /External, Internal/);
  assert.equal(state('folder D:\\Disks'), 'warn');
  assert.equal(state('folder \\\\files\\vms'), 'fail');
  assert.match(found('folder \\\\files\\vms'), /second hop/);
  assert.equal(state('shares'), 'warn');
  const other = await examine(
    (host) => {
      host.freeBytes = null;
    },
    { network_switches: 'a = Internal, b=Elsewhere' },
  );
  assert.match(other.found('switches'), /no virtual switch Elsewhere /);
  assert.equal(other.state('folder D:\\Disks'), 'warn');
  assert.match(other.found('folder D:\\Disks'), /cannot be seen/);
});

test('doctor tries what a create and a delete will ask, and tells how long the listing took', async () => {
  const { state, found } = await examine((host) => {
    host.memorySeen = false;
    const path = 'E:\\Other\\dc01.vhdx';
    put(host, path, { content: 'c', size: gib, fileSize: 1, parent: '', denied: true });
    const machine = newMachine({ name: 'dc01' });
    machine.drives.push({ path, controller: 'SCSI', location: 0 });
    host.machines.set(machine.id, machine);
  });
  assert.equal(state('memory'), 'warn');
  assert.match(found('memory'), /does not tell/);
  assert.equal(state('disks'), 'fail');
  assert.match(found('disks'), /dc01\.vhdx of dc01 \(PermissionDenied\).*Delete, .* refused/);
  assert.match(found('listing'), /1 machines were listed \d+\.\d s after the login began/);
  const good = await examine();
  assert.match(good.found('memory'), /64\.0 GiB free/);
});

test('doctor keeps all other checks where reading all disks fails', async () => {
  const { state, found } = await examine((host) => {
    host.errors.push({ step: 'users', trouble: oops, done: false });
  });
  assert.equal(state('disks'), 'warn');
  assert.match(found('disks'), /unknown: .*fehlgeschlagen/);
  assert.equal(state('switches'), 'ok');
});

test('doctor names the port of the setting, in place of the one in the url', () => {
  const settings = settingsOf({
    ...{ url: 'https://hv1.example.org', port: '15986', username: 'u', password: 'p' },
    ...{ network_switch: 's', vhd_path: 'D:\\Disks', vm_path: 'D:\\Machines' },
  });
  assert.deepEqual(hyperv.endpoints?.(settings), ['https://hv1.example.org:15986']);
});

test('doctor does not call a switch missing that it could not see', async () => {
  const { found } = await examine((host) => {
    host.switchTrouble = 'AccessDenied,Microsoft.HyperV.PowerShell.Commands.GetVMSwitch';
  });
  assert.match(found('switches'), /cannot be listed \(AccessDenied/);
  assert.doesNotMatch(found('switches'), /there is no/);
});

test('doctor checks the template or image that instances want, and which machines use it', async () => {
  const template_path = 'D:\\Templates\\debian-12.vhdx';
  const good = await examine(undefined, {}, { blueprint: { template_path } });
  assert.equal(good.found('template'), `${template_path} `);
  const none = await examine(undefined, {}, { blueprint: { template_path: 'D:\\none.vhdx' } });
  assert.equal(none.state('template'), 'fail');
  assert.match(none.found('template'), /no template D:\\none\.vhdx/);
  const own = newMachine({ name: 'DC01' });
  own.drives.push({ path: template_path, controller: 'SCSI', location: 0 });
  const used = await examine(
    (state) => state.machines.set(own.id, own),
    {},
    { blueprint: { template_path } },
  );
  assert.match(used.found('template'), /the disk of DC01/);
  const iso = { template_type: 'iso', iso_path: 'D:\\ISO\\none.iso' } as const;
  const image = await examine(undefined, {}, { blueprint: iso });
  assert.equal(image.state('ISO image'), 'fail');
  assert.equal((await examine()).state('template'), undefined);
});
