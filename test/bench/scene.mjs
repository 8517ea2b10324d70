import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../build.mjs';

const keys = 'test/kit/fakes/keys';

/** The two files under test, a server on this machine, and a folder that is gone afterwards. */
export async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  const outrigger = join(folder, 'outrigger');
  const probe = join(folder, 'probe');
  await bundle({ entry: 'src/main.ts', outfile: outrigger });
  await bundle({ entry: 'test/probe/main.ts', outfile: probe });
  const server = await serve();
  const payloads = writePayloads(folder, server.address().port);
  return {
    folder,
    outrigger,
    probe,
    payloads,
    close() {
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function serve() {
  const identity = {
    key: readFileSync(`${keys}/rsa-2048.key`),
    cert: readFileSync(`${keys}/rsa-2048.pem`),
  };
  const server = createServer(identity, (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"running":true}');
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function writePayloads(folder, port) {
  const url = `https://127.0.0.1:${port}`;
  const { fingerprint256 } = new X509Certificate(readFileSync(`${keys}/rsa-2048.pem`));
  const details = { url, secret: 'not-a-real-one' };
  mkdirSync(join(folder, 'secrets'), { mode: 0o750 });
  copyFileSync(`${keys}/rsa-2048.pem`, join(folder, 'secrets/ca.pem'));
  chmodSync(join(folder, 'secrets/ca.pem'), 0o640);
  const places = { log: { file: join(folder, 'log') }, secrets_directory: join(folder, 'secrets') };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(places));
  const write = (name, action, provider, host, change = (payload) => payload) => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(change(payloadFor(action, provider, host))));
    return file;
  };
  return {
    create: write('create', 'create', 'simulator', {}),
    refused: write('refused', 'status', 'simulator', {}, withoutInstance),
    simulator: write('simulator', 'status', 'simulator', {}),
    pinned: write('pinned', 'status', 'probe', { ...details, tls_fingerprint: fingerprint256 }),
    verified: write('verified', 'status', 'probe', { ...details, ca_file: 'ca.pem' }),
  };
}

function payloadFor(action, provider, host) {
  const payload = JSON.parse(readFileSync(`test/payloads/main/${action}.json`, 'utf8'));
  payload.externaldetails.extension = { provider };
  payload.externaldetails.host = host;
  return payload;
}

function withoutInstance({ virtualmachineid: _, 'cloudstack.vm.details': __, ...payload }) {
  return payload;
}

/** The environment of one Node: nothing but a PATH that begins with it, and a home. */
export function environment(node, folder) {
  const name = node.replace(/[^\w.]+/g, '_');
  const bin = join(folder, `bin${name}`);
  mkdirSync(bin, { recursive: true });
  execFileSync('ln', ['-sf', node, join(bin, 'node')]);
  const home = join(folder, `home${name}`);
  mkdirSync(home, { recursive: true });
  const PATH = `${bin}:/usr/local/bin:/usr/bin:/bin`;
  return { PATH, HOME: home, OUTRIGGER_CONFIG: join(folder, 'config.json') };
}
