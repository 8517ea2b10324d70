import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Farm, inOrder, skip, startFarm } from './server-farm.ts';

const tree = 'etc/cloudstack/extensions';
const names = ['--name', 'Proxmox TS', '--network-name', 'Lab Net'];

// Every case starts from what the case before has left.
describe('install.sh for a network extension beside the other one', { skip }, () => {
  let farm: Farm;
  before(async () => {
    farm = await startFarm();
  });
  after(() => farm?.remove());
  const run = (...args: readonly string[]) => farm.run(...names, '--file', farm.file, ...args);
  const linkOn = (root: string): string => join(root, tree, 'lab_net/outrigger');

  it('makes a link to the file on all servers, which the user of CloudStack can run', async () => {
    const { code, output } = await run();
    assert.equal(code, 0, output);
    for (const { root } of farm.all) {
      assert.equal(readlinkSync(linkOn(root)), '../proxmox_ts/outrigger');
      assert.notEqual(lstatSync(linkOn(root)).uid, 0);
      const told = execFileSync('runuser', ['-u', 'cloud', '--', linkOn(root), 'version']);
      assert.match(told.toString(), /Outrigger/);
    }
    assert.match((await run()).output, /Nothing to do: 3 server\(s\) have it already/);
  });

  it('has a row in --check, and is red where it is missing or leads elsewhere', async () => {
    const fine = await run('--check');
    assert.equal(fine.code, inOrder.code, fine.output);
    assert.match(fine.output, /^lab_net\/outrigger +ok/m);
    const { a, b } = farm.servers;
    rmSync(linkOn(a.root));
    rmSync(linkOn(b.root));
    symlinkSync('../elsewhere', linkOn(b.root));
    const { code, output } = await run('--check');
    assert.equal(code, 2, output);
    assert.match(output, /^lab_net\/outrigger +missing/m);
    assert.match(output, /lab_net\/outrigger is missing: CloudStack cannot run the network/);
    assert.match(output, /lab_net\/outrigger does not lead to proxmox_ts\/outrigger/);
  });

  it('replaces nothing that is in its place, and makes what is missing afterwards', async () => {
    const refused = await run();
    assert.equal(refused.code, 1, refused.output);
    assert.match(refused.output, /does not lead to proxmox_ts\/outrigger: move it away/);
    rmSync(linkOn(farm.servers.b.root));
    const { code, output } = await run();
    assert.equal(code, 0, output);
    assert.match((await run('--check')).output, /^lab_net\/outrigger +ok/m);
  });

  it('leads to the next version without another step, and goes with --uninstall', async () => {
    const next = await farm.run('--name', 'Proxmox TS', '--file', farm.next);
    assert.equal(next.code, 0, next.output);
    assert.match(
      (await farm.run(...names, '--file', farm.next, '--check')).output,
      /^lab_net.* +ok/m,
    );
    const { code, output } = await farm.run(...names, '--uninstall', '--force');
    assert.equal(code, 0, output);
    for (const server of farm.all) assert.doesNotMatch(server.listing(), /lab_net|proxmox_ts/);
  });

  it('is refused for the directory of the other extension', async () => {
    const same = ['--name', 'Proxmox TS', '--network-name', 'proxmox ts', '--file', farm.file];
    const { code, output } = await farm.run(...same);
    assert.equal(code, 2, output);
    assert.match(output, /instances and networks have an extension each/);
  });
});
