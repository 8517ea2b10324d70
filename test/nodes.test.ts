import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { recorded } from './cloudstack/recorded.ts';
import { nodeBinary } from './node-versions.ts';
import { copyAlone, serviceEnv, spawnFile } from './spawned.ts';

const served = ['18.17.0', '18.20.8', '20.20.2', '22.23.3', '24.21.0', '26.10.0'];
const greeted = ['10.24.1', '12.22.12', '14.21.3', '16.20.2'];

describe('the built file on Node', () => {
  let alone: ReturnType<typeof copyAlone>;
  let home = '';
  before(() => {
    alone = copyAlone();
    home = join(alone.folder, '../home');
    mkdirSync(home);
    chmodSync(home, 0o777);
  });
  after(() => alone.remove());
  const onNode = (version: string, t: TestContext, args: readonly string[]) => {
    const node = nodeBinary(version);
    if ('reason' in node) {
      if (process.env['CI'] !== undefined) assert.fail(node.reason);
      t.skip(node.reason);
      return undefined;
    }
    return spawnFile(alone.file, args, { env: { ...serviceEnv(node.path), HOME: home } });
  };
  const payload = (action: string) => {
    const file = join(home, `${action}.json`);
    writeFileSync(file, JSON.stringify(recorded(action, 'simulator')));
    return file;
  };

  for (const version of served) {
    it(`${version} serves CloudStack and says what it runs on`, (t) => {
      const succeeds = (action: string): boolean => {
        const done = onNode(version, t, [action, payload(action), '30']);
        if (done === undefined) return false;
        assert.equal(done.exitCode, 0, done.output);
        assert.equal(JSON.parse(done.output).status, 'success');
        return true;
      };
      for (const action of ['create', 'status', 'delete']) if (!succeeds(action)) return;
      for (const type of ['module', 'commonjs']) {
        const manifest = join(alone.folder, 'package.json');
        writeFileSync(manifest, JSON.stringify({ type }));
        succeeds('statuses');
        rmSync(manifest);
      }
      const told = onNode(version, t, ['version', '--json']);
      assert.ok(told?.output.includes(version), told?.output);
    });
  }

  for (const version of greeted) {
    it(`${version} says in one JSON document that it is too old`, (t) => {
      const done = onNode(version, t, ['status', payload('status'), '30']);
      if (done === undefined) return;
      assert.equal(done.exitCode, 1);
      const { status, error } = JSON.parse(done.output) as { status: string; error: string };
      assert.equal(status, 'error');
      assert.match(error, new RegExp(`needs Node\\.js 18\\.17 or newer, but .* is v${version}`));
    });
  }
});
