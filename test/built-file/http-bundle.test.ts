import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fingerprintOf } from '../../fakes/http/keys.ts';
import { type FakeServer, type Handler, startServer } from '../../fakes/http/server.ts';
import { type Json, recorded } from '../cloudstack/recorded.ts';
import { serviceEnv } from '../support/spawned.ts';

const probe = join(process.cwd(), 'build/probe/probe');

/** What the probe is served: a machine, an echo, no JSON, and nothing at all. */
const handle: Handler = ({ method, target, headers, body }, response) => {
  if (headers.authorization !== 'Bearer geheim-123') response.writeHead(401, 'who?').end();
  else if (target === '/broken') response.end('<html>login</html>');
  else if (target === '/slow') return;
  else if (method === 'POST') response.end(JSON.stringify({ body }));
  else response.end('{"running":true}');
};

describe('a bundle with the http kit', () => {
  let server: FakeServer;
  let folder = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-probe-'));
    server = await startServer(handle, { key: 'self-signed' });
    writeFileSync(`${folder}/config.json`, '{"log":{"enabled":false},"memo":{"seconds":0}}');
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the probe as CloudStack would; what it loaded is looked at every time. */
  const call = async (action: string, host: Json = {}, seconds = '20'): Promise<Json> => {
    const details = {
      url: server.url,
      secret: 'geheim-123',
      tls_fingerprint: fingerprintOf('self-signed'),
      ...host,
    };
    const payload =
      action === 'status'
        ? recorded('status', 'probe', details)
        : { ...recorded('custom', 'probe', details), action, parameters: { words: 'a=b ü' } };
    writeFileSync(`${folder}/payload.json`, JSON.stringify(payload));
    const modules = `${folder}/modules.json`;
    const env = {
      ...serviceEnv(),
      HOME: folder,
      OUTRIGGER_CONFIG: `${folder}/config.json`,
      PROBE_MODULES_FILE: modules,
    };
    const output = await new Promise<string>((resolve) => {
      const args = [action, `${folder}/payload.json`, seconds];
      execFile(probe, args, { env }, (_, stdout, stderr) => resolve(stdout + stderr));
    });
    const loaded = JSON.parse(readFileSync(modules, 'utf8')) as string[];
    rmSync(modules);
    assert.ok(loaded.length > 50);
    assert.deepEqual(
      loaded.filter((name) => /undici/.test(name)),
      [],
      `${action} loaded what costs more than the call`,
    );
    assert.doesNotMatch(output, /geheim-123/);
    return JSON.parse(output) as Json;
  };

  it('reads', async () => {
    assert.equal((await call('status'))['power_state'], 'PowerOn');
  });

  it('sends an object', async () => {
    const { status, message } = await call('PostObject');
    assert.equal(status, 'success');
    assert.match(JSON.stringify(message), /words.*a=b/);
    assert.equal(server.seen[server.seen.length - 1]?.body, '{"words":"a=b ü"}');
  });

  it('sends a form', async () => {
    assert.equal((await call('PostForm'))['status'], 'success');
    assert.equal(server.seen[server.seen.length - 1]?.body, 'words=a%3Db%20%C3%BC');
  });

  it('fails over an answer that is no JSON', async () => {
    assert.equal((await call('Broken'))['status'], 'error');
  });

  it('fails in time when no answer comes', async () => {
    const startedMs = performance.now();
    assert.equal((await call('Slow', {}, '2'))['status'], 'error');
    assert.ok(performance.now() - startedMs < 2000);
  });

  it('fails over a status that is an error', async () => {
    const { error } = await call('status', { secret: 'geheim-1234' });
    assert.match(String(error), /401 who\?/);
  });

  it('fails over an endpoint that is not there', async () => {
    const { error } = await call('status', { url: 'https://127.0.0.1:9' });
    assert.match(String(error), /refused the connection/);
  });

  it('tells a server with another certificate nothing', async () => {
    const before = server.bytes();
    const { error } = await call('status', { tls_fingerprint: fingerprintOf('renewed') });
    assert.match(String(error), /another certificate than the pinned one/);
    await server.left();
    assert.equal(server.bytes(), before);
  });

  it('answers in one document when an error or a rejection escapes', async () => {
    for (const action of ['Throw', 'Reject']) {
      const { status, error } = await call(action);
      assert.equal(status, 'error');
      // The recorded caller is a tenant, who has no use for what went wrong inside.
      assert.match(String(error), new RegExp(`^${action} failed: something went wrong`));
    }
  });

  it('prints nothing when Node warns', async () => {
    assert.equal((await call('Warn'))['status'], 'success');
  });

  it('names no global that would load undici, and no polyfill of fetch', () => {
    const text = readFileSync(probe, 'utf8');
    assert.match(text, /pipeTo/, 'ofetch is inside');
    assert.doesNotMatch(text, /globalThis\.(fetch|Headers|Request|Response|FormData|AbortC)/);
    assert.doesNotMatch(text, /node-fetch-native|XMLHttpRequest/);
    assert.doesNotMatch(text, /\bimport\(/);
  });

  it('leaves what a call may not need in strings, which are not parsed as code', () => {
    const code = readFileSync(probe, 'utf8')
      .replace(/'(?:[^'\\\n]|\\[\s\S])*'/g, "''")
      .replace(/\/\*.*?\*\//gs, '')
      .trim();
    assert.ok(code.length < 6000, `${code.length} characters of code are parsed by every call`);
    assert.match(code, /process\.versions\.node/);
  });

  it('is the same, byte for byte, when it is built in another folder', () => {
    const copy = `${folder}/some where/else`;
    mkdirSync(`${copy}/node_modules`, { recursive: true });
    for (const part of [
      'build.mjs',
      'tools',
      'package.json',
      'tsconfig.json',
      'src',
      'test/built-file/probe',
    ]) {
      cpSync(part, `${copy}/${part}`, { recursive: true });
    }
    for (const name of ['ofetch', 'ufo', 'destr', 'valibot']) {
      cpSync(`node_modules/${name}`, `${copy}/node_modules/${name}`, { recursive: true });
    }
    symlinkSync(join(process.cwd(), 'node_modules/esbuild'), `${copy}/node_modules/esbuild`);
    const script = `import { bundle } from './build.mjs';
      await bundle({ entry: 'src/main.ts', outfile: 'a', mapfile: 'a.map.json' });
      await bundle({ entry: 'test/built-file/probe/main.ts', outfile: 'b' });`;
    const args = ['--input-type=module', '-e', script];
    execFileSync(process.execPath, args, { cwd: copy, env: { ...serviceEnv(), TZ: 'Asia/Tokyo' } });
    const same = (built: string, rebuilt: string): boolean =>
      readFileSync(built).equals(readFileSync(`${copy}/${rebuilt}`));
    assert.ok(same('build/out/outrigger', 'a'));
    assert.ok(same('build/out/outrigger.map.json', 'a.map.json'));
    assert.ok(same(probe, 'b'));
  });
});
