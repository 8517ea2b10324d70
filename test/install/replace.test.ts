import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type Farm, skip, startFarm } from './server-farm.ts';

const script = 'etc/cloudstack/extensions/Proxmox/proxmox.sh';

// Every case starts from what the case before has left on two servers.
describe('install.sh --replace', { skip }, () => {
  let farm: Farm;
  let builtIn = '';
  before(async () => {
    farm = await startFarm();
    builtIn = farm.servers.a.read(script);
  });
  after(() => farm?.remove());
  const run = (...args: readonly string[]) =>
    farm.runOn(['a', 'b'], '--replace', 'Proxmox/proxmox.sh', ...args);
  const both = () => [farm.servers.a, farm.servers.b];

  it('refuses a server that does not have the built-in script', async () => {
    const before = farm.servers.a.listing();
    const { code, output } = await farm.runOn(
      ['a'],
      '--replace',
      'MaaS/maas.py',
      '--file',
      farm.file,
    );
    assert.equal(code, 1, output);
    assert.match(output, /a: there is no MaaS\/maas\.py to take the place of/);
    assert.equal(farm.servers.a.listing(), before);
  });

  it('names the directory where --replace spells it in another case', async () => {
    const words = ['--replace', 'proxmox/proxmox.sh', '--file', farm.file];
    const { code, output } = await farm.runOn(['a'], ...words);
    assert.equal(code, 1, output);
    assert.match(output, /no proxmox\/proxmox\.sh .*, but a directory Proxmox: the case .* counts/);
  });

  it('refuses a --name whose directory differs in case only from one that is there', async () => {
    const before = farm.servers.a.listing();
    const { code, output } = await farm.runOn(['a'], '--name', 'PROXMOX', '--file', farm.file);
    assert.equal(code, 1, output);
    assert.match(
      output,
      /extensions\/Proxmox differs from proxmox in case only.*--replace Proxmox\//,
    );
    assert.equal(farm.servers.a.listing(), before);
  });

  it('takes the place of the built-in script, and keeps a copy outside the extensions directory', async () => {
    const { code, output } = await run('--file', farm.file);
    assert.equal(code, 0, output);
    for (const server of both()) {
      assert.equal(server.read(script), readFileSync(farm.file, 'utf8'));
      assert.equal(server.read('var/lib/outrigger/Proxmox/proxmox.sh/replaced'), builtIn);
    }
  });

  it('reports a built-in script that an upgrade has put back, and replaces it again', async () => {
    const newer = '#!/bin/sh\necho a newer built-in script\n';
    farm.servers.b.write(script, newer, 0o755, 'cloud:cloud');
    const red = await run('--file', farm.file, '--check');
    assert.equal(red.code, 2, red.output);
    assert.match(
      red.output,
      /^b +rewritten .*\n.*an upgrade of CloudStack puts its own script back/m,
    );
    const { code, output } = await run('--file', farm.file);
    assert.equal(code, 0, output);
    assert.equal(farm.servers.b.read('var/lib/outrigger/Proxmox/proxmox.sh/replaced'), newer);
  });

  it('says with --uninstall --name that Outrigger is in the place of the built-in script', async () => {
    const { code, output } = await farm.runOn(['a'], '--name', 'Proxmox', '--uninstall', '--force');
    assert.equal(code, 1, output);
    assert.match(
      output,
      /a: Outrigger is not at proxmox\/outrigger .*--replace Proxmox\/proxmox\.sh/,
    );
  });

  it('says before --uninstall that the built-in script comes back and what stays behind', async () => {
    const { code, output } = await run('--uninstall');
    assert.equal(code, 2, output);
    assert.match(output, /put the built-in script back as Proxmox\/proxmox\.sh on 2 server/);
    assert.match(output, /Custom actions .* stay in CloudStack/);
    assert.doesNotMatch(output, /would remove|deleteExtension/);
  });

  it('restores with --uninstall the built-in script that each server had last', async () => {
    const { code, output } = await run('--uninstall', '--force');
    assert.equal(code, 0, output);
    assert.equal(farm.servers.a.read(script), builtIn);
    assert.match(farm.servers.b.read(script), /newer/);
    for (const server of both()) assert.doesNotMatch(server.listing(), /outrigger/);
  });

  it('keeps with --uninstall a built-in script that an upgrade has put back', async () => {
    const { a } = farm.servers;
    const alone = (...args: readonly string[]) =>
      farm.runOn(['a'], '--replace', 'Proxmox/proxmox.sh', ...args);
    const installed = await alone('--file', farm.file);
    assert.equal(installed.code, 0, installed.output);
    const newer = '#!/bin/sh\necho the script of an upgrade\n';
    a.write(script, newer, 0o755, 'cloud:cloud');
    const { code, output } = await alone('--uninstall', '--force');
    assert.equal(code, 0, output);
    assert.equal(a.read(script), newer);
    assert.doesNotMatch(a.listing(), /outrigger/);
  });
});
