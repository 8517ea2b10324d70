import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { asOf421, type Json, ofAnother, recorded } from '../cloudstack/recorded.ts';
import { type List, lists, openList } from '../instruments/scale/lists.ts';
import { runProcess } from '../instruments/scale/process.ts';
import { installedNodes, nodeBinary } from '../support/node-versions.ts';
import { copyAlone, serviceEnv, spawnFile } from '../support/spawned.ts';

const served = ['18.17.0', '18.20.8', '20.20.2', '22.23.3', '24.21.0', '26.10.0'];
const greeted = ['10.24.1', '12.22.12', '14.21.3', '16.20.2'];

/** What 4.21 asks is tried as it writes it, the rest as 4.22 and main write it, which is alike. */
const actionsOf421 = ['create', 'status', 'delete'];
const actions = ['prepare', 'create', 'status', 'stop', 'start', 'delete'];

/** The binary of this version; `undefined` where it cannot be had, which skips the test. */
function binaryOf(version: string, t: TestContext): string | undefined {
  if (process.versions.node === version) return process.execPath;
  const node = nodeBinary(version);
  if ('path' in node) return node.path;
  t.skip(node.reason);
  return undefined;
}

describe('the built file on Node', () => {
  let alone: ReturnType<typeof copyAlone>;
  let home = '';
  const standing = new Map<string, List>();
  before(async () => {
    alone = copyAlone();
    home = join(alone.folder, '../home');
    mkdirSync(home);
    chmodSync(home, 0o777);
    for (const provider of lists) standing.set(provider, await openList(provider, 2));
  });
  after(async () => {
    alone.remove();
    for (const list of standing.values()) await list.close();
  });
  const on = (node: string, args: readonly string[]) =>
    spawnFile(alone.file, args, { env: { ...serviceEnv(node), HOME: home } });
  const payload = (action: string, written = (plain: Json) => plain) => {
    const file = join(home, `${action}.json`);
    writeFileSync(file, JSON.stringify(written(recorded(action, 'simulator'))));
    return file;
  };
  const succeeds = (node: string, action: string, written?: (plain: Json) => Json): void => {
    const done = on(node, [action, payload(action, written), '30']);
    assert.equal(done.exitCode, 0, done.output);
    assert.equal(JSON.parse(done.output).status, 'success');
  };

  const serves = (node: string, version: string): void => {
    // While no machine of the installation is left, no list is believed.
    succeeds(node, 'create', ofAnother);
    for (const action of actionsOf421) succeeds(node, action, asOf421);
    for (const action of actions) succeeds(node, action);
    for (const type of ['module', 'commonjs']) {
      const manifest = join(alone.folder, 'package.json');
      writeFileSync(manifest, JSON.stringify({ type }));
      succeeds(node, 'statuses');
      rmSync(manifest);
    }
    const told = on(node, ['version', '--json']);
    assert.ok(told.output.includes(version), told.output);
  };
  const speaks = async (node: string): Promise<void> => {
    for (const [provider, list] of standing) {
      const call = { file: alone.file, action: 'status', payloadFile: list.payload('status') };
      const env = { ...list.env, ...serviceEnv(node) };
      const { exitCode, text } = await runProcess({ ...call, env, timeoutSeconds: 30 });
      assert.equal(exitCode, 0, `${provider}: ${text}`);
      assert.equal(JSON.parse(text).power_state, 'PowerOn', provider);
    }
  };

  for (const version of [...new Set([...served, process.versions.node])]) {
    it(`${version} serves every release of CloudStack, and says what it runs on`, (t) => {
      const node = binaryOf(version, t);
      if (node !== undefined) serves(node, version);
    });

    it(`${version} speaks to every kind of system`, async (t) => {
      const node = binaryOf(version, t);
      if (node !== undefined) await speaks(node);
    });
  }

  for (const { path, version } of installedNodes()) {
    it(`${version} of this machine, ${path}, serves every release and speaks to every system`, async () => {
      // The file looks for the command `node`, which some distributions call otherwise.
      const node = join(mkdtempSync(join(home, 'bin-')), 'node');
      symlinkSync(path, node);
      serves(node, version);
      await speaks(node);
    });
  }

  for (const version of greeted) {
    it(`${version} says in one JSON document that it is too old`, (t) => {
      const node = binaryOf(version, t);
      if (node === undefined) return;
      const done = on(node, ['status', payload('status'), '30']);
      assert.equal(done.exitCode, 1);
      const { status, error } = JSON.parse(done.output) as { status: string; error: string };
      assert.equal(status, 'error');
      assert.match(error, new RegExp(`needs Node\\.js 18\\.17 or newer, but .* is v${version}`));
    });
  }
});
