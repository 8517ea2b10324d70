import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf } from '../../../fakes/http/keys.ts';
import { startServer } from '../../../fakes/http/server.ts';
import { recorded } from '../../cloudstack/recorded.ts';
import { refusedPayload } from './instance.ts';
import { type Program, type Step, serveStage } from './stage.ts';

/*
 * What a call costs before it does anything, and what one HTTPS request adds: each step does a
 * little more than the one before.
 */

const often = 8;

serveStage(async (folder) => {
  const server = await startServer(
    (_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end('{"running":true}');
    },
    { key: 'rsa-2048' },
  );
  const host = { url: server.url, secret: 'not-a-real-one' };
  const pinned = { ...host, tls_fingerprint: fingerprintOf('rsa-2048') };
  const secrets = join(folder, 'secrets');
  mkdirSync(secrets, { mode: 0o750 });
  copyFileSync('fakes/http/keys/rsa-2048.pem', join(secrets, 'ca.pem'));
  chmodSync(join(secrets, 'ca.pem'), 0o640);
  const verified: Step = {
    ...probing('HTTPS GET, ca_file', { ...host, ca_file: 'ca.pem' }),
    config: { secrets_directory: secrets },
  };
  return {
    steps: [
      nothing('an empty file', 'empty'),
      nothing('the file, nothing run', 'idle'),
      {
        ...{ name: 'refused payload', action: 'status', times: often, exit: 1 },
        bar: { cpuRatio: 1.35 },
        payload: refusedPayload,
      },
      nothing('bare HTTPS GET', { script: bareGet(server.url) }),
      {
        ...probing('HTTPS GET, pinned', pinned),
        bar: { cpuRatio: 2.2, megabytes: 50, requests: 1, connections: 1 },
      },
      // Its file has to belong to root.
      ...(process.getuid?.() === 0 ? [verified] : []),
    ],
    close: () => server.close(),
  };
});

/** Line 1 sets exit code 1, which only an answer changes; a script of our own has no such line. */
function nothing(name: string, program: Program): Step {
  const exit = typeof program === 'object' ? 0 : 1;
  return { name, action: 'status', program, times: often, exit };
}

function probing(name: string, host: Readonly<Record<string, string>>): Step {
  return {
    ...{ name, action: 'status', program: 'probe', times: often },
    payload: () => recorded('status', 'probe', host),
  };
}

/** As little as Node's own client can do: nothing is checked, nothing is kept. */
function bareGet(url: string): string {
  return (
    `require('https').get(${JSON.stringify(url)},{rejectUnauthorized:false,ca:[]},` +
    "(r)=>r.on('data',()=>{}).on('end',()=>process.exit(0)))"
  );
}
