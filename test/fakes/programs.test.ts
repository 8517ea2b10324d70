import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { connect, type PeerCertificate } from 'node:tls';

const names = readdirSync('fakes').filter((name) => existsSync(`fakes/${name}/main.ts`));

function start(name: string): ChildProcess {
  return spawn(process.execPath, ['tools/fake.mjs', name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The lines that the fake prints, up to the given key. */
async function detailsOf({ stdout }: ChildProcess, last: string) {
  if (stdout === null) throw new Error('the fake has no standard output');
  const details = new Map<string, string>();
  for await (const line of createInterface({ input: stdout })) {
    const at = line.indexOf('=');
    details.set(line.slice(0, at), line.slice(at + 1));
    if (line.startsWith(`${last}=`)) break;
  }
  return details;
}

async function certificateAt(address: string): Promise<PeerCertificate> {
  const { hostname, port } = new URL(address);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}

const programs: Readonly<Record<string, { readonly address: string; readonly last: string }>> = {
  'cloudstack-api': { address: 'url', last: 'credentials' },
  maas: { address: 'endpoint', last: 'distro_series' },
  pve: { address: 'url', last: 'disk_size_gb' },
  winrm: { address: 'url', last: 'generation' },
};

describe('node tools/fake.mjs', () => {
  it('knows every fake that has a main.ts', () => {
    assert.deepEqual(names, Object.keys(programs));
  });

  for (const [name, { address, last }] of Object.entries(programs)) {
    it(`serves ${name} at the address that it prints, until it is interrupted`, async (t) => {
      const child = start(name);
      t.after(() => child.kill('SIGKILL'));
      const details = await detailsOf(child, last);
      const { fingerprint256 } = await certificateAt(details.get(address) ?? '');
      const pinned = details.get('tls_fingerprint')?.split(',')[0];
      if (pinned !== undefined) assert.equal(fingerprint256, pinned);
      child.kill('SIGINT');
      const [code] = await once(child, 'exit');
      assert.equal(code, 0);
    });
  }

  it('names the fakes that there are when it is given another word', async () => {
    const child = spawn(process.execPath, ['tools/fake.mjs', 'nothing']);
    const [chunk] = await once(child.stderr, 'data');
    assert.equal(String(chunk), `usage: node tools/fake.mjs ${names.join('|')}\n`);
    const [code] = await once(child, 'exit');
    assert.equal(code, 2);
  });
});

describe('the fakes', () => {
  it('import nothing from the tests', () => {
    const files = readdirSync('fakes', { recursive: true }).map(String);
    const sources = files.filter((name) => name.endsWith('.ts'));
    assert.ok(sources.length > 80);
    for (const name of sources) {
      assert.doesNotMatch(readFileSync(`fakes/${name}`, 'utf8'), /from '(\.\.\/)+test\//, name);
    }
  });
});
