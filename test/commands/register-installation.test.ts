import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FakeCloudStack } from '../../fakes/cloudstack-api/server.ts';
import { extensionOf, lab, register, run } from './register-lab.ts';

function registrationOf({ state }: FakeCloudStack, cluster = 'ext') {
  const found = state.clusters.find(({ name }) => name === cluster)?.registration;
  assert.ok(found);
  return found;
}

const pair = ['--cluster', 'ext'];

describe('register and the installation', () => {
  for (const release of ['4.21.0.0', '4.22.0.0', '4.23.0.0'] as const) {
    test(`register keeps the installation with the extension and its registration on ${release}, and puts back the one that is lost`, async (t) => {
      const cloud = await lab(t, release);
      const { printed } = await register(cloud, ...pair);
      const id = extensionOf(cloud).details['installation'] ?? '';
      assert.match(id, /^cs-[0-9a-f]{12}$/);
      assert.equal(registrationOf(cloud).details['installation'], id);
      assert.ok(printed.includes(`Note: All machines are marked with the installation ${id} (new`));
      // A change of the details by hand replaces all of them.
      extensionOf(cloud).details = { loglevel: 'debug' };
      const mended = await register(cloud, ...pair);
      assert.equal(mended.code, 0, mended.complained);
      assert.match(mended.printed, new RegExp(`detail installation: ${id}`));
      assert.match(mended.printed, /\(kept by the registration with ext\)/);
      assert.equal(extensionOf(cloud).details['installation'], id);
      registrationOf(cloud).details = { theirs: 'kept' };
      // Also where the cluster is not named again.
      assert.equal((await register(cloud)).code, 0);
      assert.deepEqual(registrationOf(cloud).details, { theirs: 'kept', installation: id });
      assert.match((await register(cloud)).printed, /Nothing to change/);
    });
  }

  test('register makes no new installation for an extension that exists, and says how one is put back', async (t) => {
    const cloud = await lab(t);
    await register(cloud, ...pair);
    extensionOf(cloud).details = { provider: 'sample', url: 'https://s:1' };
    registrationOf(cloud).details = {};
    const before = cloud.changes.length;
    for (const more of [[], ['--plan'], ['--print']]) {
      const { code, complained } = await register(cloud, ...more);
      assert.equal(code, 1);
      assert.match(complained, /Lab One exists and has no installation/);
      assert.match(complained, /--installation ID puts it back.*`outrigger audit` names the id/s);
    }
    assert.equal(cloud.changes.length, before);
    const { code } = await register(cloud, '--installation', 'cs-lost');
    assert.equal(code, 0);
    assert.equal(extensionOf(cloud).details['installation'], 'cs-lost');
    assert.equal(registrationOf(cloud).details['installation'], 'cs-lost');
  });

  test('register sets a wrong installation right with --installation, in both places, and says what that does', async (t) => {
    const cloud = await lab(t, '4.23.0.0');
    await register(cloud, ...pair);
    const wrong = extensionOf(cloud).details['installation'];
    const planned = await register(cloud, '--installation', 'cs-right', '--plan');
    assert.equal(planned.code, 3);
    assert.match(planned.printed, new RegExp(`detail installation: ${wrong} -> cs-right`));
    assert.match(planned.printed, /with another one become invisible, so run `outrigger audit`/);
    await register(cloud, '--installation', 'cs-right');
    assert.equal(extensionOf(cloud).details['installation'], 'cs-right');
    assert.equal(registrationOf(cloud).details['installation'], 'cs-right');
  });

  test('register chooses between two installations only at the word of the operator', async (t) => {
    const cloud = await lab(t);
    await register(cloud, ...pair);
    registrationOf(cloud).details = { installation: 'cs-other' };
    const { code, complained } = await register(cloud);
    assert.equal(code, 1);
    assert.match(complained, /the extension has cs-\S+, the registration with ext has cs-other/);
    assert.equal((await register(cloud, '--installation', 'cs-other')).code, 0);
    assert.equal(extensionOf(cloud).details['installation'], 'cs-other');
  });

  test('register takes a built-in extension over with the installation that another extension has', async (t) => {
    const cloud = await lab(t);
    const given = ['Proxmox', '--provider', 'sample', '--credentials', cloud.credentials()];
    assert.match((await run(given)).complained, /as when a built-in extension is taken over/);
    await register(cloud);
    const id = extensionOf(cloud).details['installation'];
    const { printed } = await run(given);
    assert.equal(cloud.state.extensions[0]?.details['installation'], id);
    assert.match(printed.replace(/\s+/g, ' '), /that of the extension Lab One of this CloudStack/);
  });

  test('register loses no hidden detail of a registration when it writes the installation to it', async (t) => {
    const cloud = await lab(t, '4.23.0.0');
    await register(cloud, ...pair);
    const registration = registrationOf(cloud);
    registration.hidden = { password: 'of others' };
    registration.details = { theirs: 'kept' };
    assert.equal((await register(cloud, ...pair)).code, 0);
    assert.deepEqual(registration.hidden, { password: 'of others' });
    assert.equal(registration.details['theirs'], 'kept');
    assert.ok(!cloud.commands.includes('updateCluster'));
  });
});
