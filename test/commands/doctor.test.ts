import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { authority, fingerprintOf, type KeyName } from '../../fakes/http/keys.ts';
import type { Handler } from '../../fakes/http/server.ts';
import { findAccount, may } from '../../src/commands/doctor/account.ts';
import type { Finding } from '../../src/commands/doctor/finding.ts';
import { nodeChecks } from '../../src/commands/doctor/server.ts';
import { runCommand } from '../../src/commands/run.ts';
import { type Check, defineProvider } from '../../src/contract/provider.ts';
import { text } from '../../src/kit/fields.ts';
import { createHttp } from '../../src/kit/http/client.ts';
import {
  caFile,
  tlsFingerprint,
  verifyTlsCertificate,
} from '../../src/lifecycle/shared-settings.ts';
import { registry } from '../../src/providers/index.ts';
import { nobody, serve } from '../support/http-client.ts';
import { copyAlone, spawnFile } from '../support/spawned.ts';
import { temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

const asRoot = process.getuid?.() === 0;
const needsRoot = asRoot ? {} : { skip: 'files of other users can only be made by root' };

/** A provider that logs in with a token and looks at its own rights, one by one. */
const remote = defineProvider({
  name: 'remote',
  title: 'Remote System',
  about: 'Answers over TLS',
  settings: {
    url: { about: 'Where it is', schema: text(), required: true },
    token: { about: 'Lets us in', schema: text(), required: true, secret: true },
    verify_tls_certificate: verifyTlsCertificate,
    tls_fingerprint: tlsFingerprint,
    ca_file: caFile,
  },
  blueprint: {},
  stored: {},
  actions: {},
  prepares: false,
  async checks(settings, { deadline, log }) {
    const { url, token, tls_fingerprint: fingerprints = [], ca_file: ca } = settings;
    const tls = { verify: true, fingerprints, ...(ca === undefined ? {} : { ca }) };
    const http = createHttp({ title: 'Remote System', endpoints: [url], tls, deadline, log });
    const ask = async (name: string, path: string): Promise<Check> => {
      const { status } = await http.request('GET', path, { headers: { token } });
      if (status === 200) return { name, state: 'ok', found: 'yes' };
      return { name, state: 'fail', found: `${status} for the token ${token}` };
    };
    try {
      return [await ask('login', '/login'), await ask('right to see', '/machines')];
    } finally {
      http.close();
    }
  },
  connect: () => {
    throw new Error('it has no driver');
  },
});

interface Diagnosis {
  readonly code: number;
  readonly checks: readonly Finding[];
  readonly printed: string;
  of(name: string): Finding;
}

interface Place {
  readonly folder: string;
  readonly config: string;
}

/** A configuration whose places are in a folder of the test. */
function place(): Place {
  const folder = temporaryDirectory();
  chmodSync(folder, 0o755);
  const config = join(folder, 'config.json');
  mkdirSync(join(folder, 'log'));
  mkdirSync(join(folder, 'secrets'), { mode: 0o750 });
  writeFileSync(
    config,
    JSON.stringify({
      log: { file: join(folder, 'log/outrigger.log') },
      secrets_directory: join(folder, 'secrets'),
    }),
  );
  return { folder, config };
}

async function diagnose(
  words: readonly string[],
  where = place(),
  self = '/nowhere/outrigger',
): Promise<Diagnosis> {
  const world = createWorld({
    providers: { remote },
    self,
    env: { OUTRIGGER_CONFIG: where.config, HOME: where.folder },
  });
  const code = await runCommand(['doctor', '--user', 'nobody', ...words, '--json'], world);
  const printed = world.printed();
  const { checks } = JSON.parse(printed) as { checks: readonly Finding[] };
  return {
    code,
    checks: checks ?? [],
    printed,
    of(name) {
      const found = checks.find((each) => each.name === name);
      assert.ok(found, `no check "${name}" in ${printed}`);
      return found;
    },
  };
}

const welcome: Handler = ({ target, headers }, response) => {
  if (target === '/') return void response.end('hello');
  if (headers['token'] === 'stale-token') return void response.writeHead(401).end();
  const seeing = headers['token'] === 'right-token';
  response.writeHead(target === '/machines' && !seeing ? 403 : 200).end();
};

/** Diagnoses a server that shows the key, with details that would be right for it. */
async function diagnoseServer(
  t: TestContext,
  key: KeyName,
  words: readonly string[],
  handler = welcome,
): Promise<Diagnosis> {
  const server = await serve(t, handler, { key });
  const token = words.some((word) => word.startsWith('token=')) ? [] : ['token=right-token'];
  return diagnose(['provider=remote', `url=${server.url}`, ...token, ...words]);
}

describe('doctor on a healthy world', () => {
  test('doctor finds name, connection, certificate, clock and provider in order', async (t) => {
    const pin = fingerprintOf('self-signed');
    const found = await diagnoseServer(t, 'self-signed', [`tls_fingerprint=${pin}`]);
    for (const name of ['name', 'connection', 'TLS', 'expiry', 'clock', 'login', 'right to see']) {
      assert.equal(found.of(name).state, 'ok', `${name}: ${found.of(name).found}`);
    }
  });

  test('doctor shows the SHA-256 fingerprint ready to be pinned', async (t) => {
    const found = await diagnoseServer(t, 'self-signed', ['verify_tls_certificate=false']);
    const pin = fingerprintOf('self-signed');
    assert.equal(found.of('fingerprint').found, `SHA-256 ${pin}`);
    assert.equal(found.of('TLS').state, 'warn');
    assert.match(found.of('TLS').advice ?? '', new RegExp(`tls_fingerprint=${pin}`));
  });

  test('doctor accepts an issuer that ca_file names', needsRoot, async (t) => {
    const where = place();
    writeFileSync(join(where.folder, 'secrets/ca.pem'), authority(), { mode: 0o640 });
    const server = await serve(t, welcome);
    const details = ['provider=remote', `url=${server.url}`, 'token=right-token'];
    const found = await diagnose([...details, 'ca_file=ca.pem'], where);
    assert.equal(found.of('TLS').state, 'ok');
  });

  test('doctor looks at the simulator, makes no directory for it, and exits with 0', async () => {
    const where = place();
    const world = createWorld({
      registry,
      env: { OUTRIGGER_CONFIG: where.config, HOME: where.folder },
      self: '/nowhere/outrigger',
    });
    await runCommand(['doctor', 'provider=simulator', 'installation=cs-1'], world);
    assert.match(world.printed(), /ok +state +no machine was ever made/);
    assert.deepEqual(readdirSync(where.folder).sort(), ['config.json', 'log', 'secrets']);
    assert.deepEqual(readdirSync(join(where.folder, 'log')), []);
  });
});

describe('doctor on the details that CloudStack keeps', () => {
  const looked = async (given: object): Promise<string> => {
    const where = place();
    const file = join(where.folder, 'details.json');
    writeFileSync(file, JSON.stringify(given));
    const env = { OUTRIGGER_CONFIG: where.config, HOME: where.folder };
    const world = createWorld({ registry: { ...registry, remote: async () => remote }, env });
    await runCommand(['doctor', '--details', file], world);
    return world.printed().replace(/\s+/g, ' ');
  };
  const host = { provider: 'simulator', node: 'sim1' };

  test('doctor says where the installation is kept, and that one place is not enough', async () => {
    const kept = { installation: 'cs-1' };
    const both = await looked({ extension: kept, resourcemap: kept, host });
    assert.match(both, /ok installation cs-1 \(extension and cluster registration\)/);
    const one = await looked({ extension: kept, resourcemap: {}, host });
    assert.match(one, /warn installation cs-1, but the cluster registration does not keep it/);
    const none = await looked({ extension: {}, resourcemap: {}, host });
    assert.match(none, /warn installation not set: .* `register --installation ID`/);
    const other = { installation: 'cs-2' };
    const two = await looked({ extension: kept, resourcemap: other, host });
    assert.match(two, /fail installation .*extension has cs-1, cluster registration has cs-2/);
  });

  test('doctor warns of a value that ends where CloudStack cuts', async () => {
    const extension = { console_url: `https://${'c'.repeat(247)}` };
    const cut = await looked({ extension: {}, resourcemap: {}, host: { ...host, ...extension } });
    assert.match(cut, /warn details host detail "console_url" has exactly 255 characters/);
    const longer = { console_url: `https://${'c'.repeat(300)}` };
    const whole = await looked({ extension: longer, resourcemap: {}, host });
    assert.doesNotMatch(whole, /characters: CloudStack may have cut/);
  });

  test('doctor warns of a secret that stands in a detail, since CloudStack logs it', async () => {
    const given = { provider: 'remote', url: 'https://127.0.0.1:1', token: 't0p-secret' };
    const printed = await looked({ host: given });
    assert.match(printed, /warn secrets the host detail "token" holds the secret itself/);
    assert.match(printed, /token_file=NAME/);
    assert.doesNotMatch(printed, /t0p-secret/);
  });
});

describe('doctor with the details of an instance', () => {
  const looked = async (...details: string[]): Promise<string> => {
    const where = place();
    const env = { OUTRIGGER_CONFIG: where.config, HOME: where.folder };
    const world = createWorld({ registry, env });
    await runCommand(['doctor', 'provider=simulator', 'installation=cs-1', ...details], world);
    return world.printed();
  };

  test('doctor says whether an instance could be made of them', async () => {
    assert.match(await looked('virtualmachine.disk_size_gb=20'), /ok +instance +its details fit/);
    const wrong = await looked('virtualmachine.disk_size_gb=many');
    assert.match(wrong, /warn +instance .*"disk_size_gb"/);
    assert.match(wrong, /-> A create with these details is refused/);
  });

  test('doctor checks without an instance only the details that the operator gives to all', async () => {
    assert.doesNotMatch(await looked(), /instance +/);
    assert.match(await looked('disk_size_gb=many'), /warn +details .*"disk_size_gb"/);
  });
});

describe('doctor on a broken world', () => {
  test('doctor says that a name does not exist and stops there', async () => {
    const found = await diagnose(['provider=remote', 'url=https://no-such.invalid', 'token=abcd']);
    assert.equal(found.code, 1);
    assert.equal(found.of('name').state, 'fail');
    assert.match(found.of('name').found, /no-such\.invalid/);
    assert.equal(found.of('connection').state, 'skipped');
  });

  test('doctor says that a port is closed', async () => {
    const { url } = await nobody();
    const found = await diagnose(['provider=remote', `url=${url}`, 'token=abcd']);
    assert.equal(found.of('name').state, 'ok');
    assert.equal(found.of('connection').state, 'fail');
    assert.match(found.of('connection').found, /refused the connection/);
  });

  test('doctor says when a certificate has expired', async (t) => {
    const found = await diagnoseServer(t, 'expired', []);
    assert.equal(found.of('expiry').state, 'fail');
    assert.match(found.of('expiry').found, /expired on \d{4}-\d\d-\d\d/);
    assert.equal(found.of('clock').state, 'skipped');
  });

  test('doctor says that a certificate is self-signed and how to pin it', async (t) => {
    const found = await diagnoseServer(t, 'self-signed', []);
    assert.equal(found.of('TLS').state, 'fail');
    assert.match(found.of('TLS').found, /is self-signed/);
    assert.match(found.of('TLS').found, new RegExp(fingerprintOf('self-signed')));
  });

  test('doctor shows the pinned and the actual fingerprint, and never advises to switch verification off', async (t) => {
    const pin = fingerprintOf('self-signed');
    const found = await diagnoseServer(t, 'renewed', [`tls_fingerprint=${pin}`]);
    assert.match(found.of('TLS').found, new RegExp(`pinned ${pin}, got`));
    assert.match(found.of('TLS').found, new RegExp(fingerprintOf('renewed')));
    assert.doesNotMatch(found.printed, /verify_tls_certificate/);
  });

  test('doctor says that a certificate is for another name', needsRoot, async (t) => {
    const where = place();
    writeFileSync(join(where.folder, 'secrets/ca.pem'), authority(), { mode: 0o640 });
    const server = await serve(t, welcome, { key: 'other-name' });
    const details = ['provider=remote', `url=${server.url}`, 'token=right-token'];
    const found = await diagnose([...details, 'ca_file=ca.pem'], where);
    assert.match(found.of('TLS').found, /is for .*, not 127\.0\.0\.1/);
  });

  for (const [seconds, state] of [
    [30, 'warn'],
    [90, 'fail'],
    [600, 'fail'],
  ] as const) {
    test(`doctor says by how much the clocks differ, ${seconds} s`, async (t) => {
      const pin = `tls_fingerprint=${fingerprintOf('self-signed')}`;
      const late: Handler = (seen, response) => {
        response.setHeader('date', new Date(Date.now() - seconds * 1000).toUTCString());
        welcome(seen, response);
      };
      const clock = (await diagnoseServer(t, 'self-signed', [pin], late)).of('clock');
      assert.equal(clock.state, state);
      const [, said] = /this server is (\d+) s ahead of Remote System/.exec(clock.found) ?? [];
      assert.ok(Math.abs(Number(said) - seconds) <= 1, clock.found);
    });
  }

  test('doctor tells a bad secret and a missing right, and prints no secret', async (t) => {
    const pin = `tls_fingerprint=${fingerprintOf('self-signed')}`;
    const stale = await diagnoseServer(t, 'self-signed', [pin, 'host.x=1', 'token=stale-token']);
    assert.equal(stale.of('login').state, 'fail');
    assert.match(stale.of('login').found, /^401 for the token \*\*\*$/);
    const blind = await diagnoseServer(t, 'self-signed', [pin, 'token=other-token']);
    assert.equal(blind.of('login').state, 'ok');
    assert.match(blind.of('right to see').found, /^403/);
    assert.doesNotMatch(stale.printed + blind.printed, /stale-token|other-token/);
  });

  test('doctor names all missing settings at once, and unknown details', async () => {
    const missing = await diagnose(['provider=remote', 'tokn=x']);
    assert.match(missing.of('details').found, /"url" is missing.*"token"/);
    const odd = await diagnose([
      'provider=remote',
      'url=ftp://x',
      'token=abcd',
      'tls_fingerprnt=x',
    ]);
    const said = odd.checks.filter(({ name }) => name === 'details');
    assert.ok(said.some(({ advice }) => advice === 'Did you mean "tls_fingerprint"?'));
  });

  test('doctor names the known providers for an unknown one', async () => {
    const found = await diagnose(['provider=remot']);
    assert.match(found.of('provider').found, /did you mean "remote"/);
  });
});

describe('doctor on this server', () => {
  test('doctor finds a log that root left behind', needsRoot, async () => {
    const where = place();
    chownSync(join(where.folder, 'log'), 65534, 65534);
    writeFileSync(join(where.folder, 'log/outrigger.log'), '', { mode: 0o640 });
    const found = await diagnose([], where);
    assert.equal(found.of('log').state, 'fail');
    assert.match(found.of('log').advice ?? '', /^chown nobody: \S+outrigger\.log/);
    assert.equal(found.of('log rotation').state, 'ok');
  });

  test(
    'doctor accepts a log and a memo of the service, unless other users may read them',
    needsRoot,
    async () => {
      const where = place();
      const { uid } = findAccount('nobody') ?? {};
      assert.ok(uid !== undefined);
      const log = join(where.folder, 'log/outrigger.log');
      const memo = join(where.folder, 'log/outrigger-memo');
      writeFileSync(log, '', { mode: 0o640 });
      mkdirSync(memo, { mode: 0o700 });
      for (const path of [dirname(log), log, memo]) chownSync(path, uid, uid);
      const states = async (): Promise<string[]> => {
        const found = await diagnose([], where);
        return ['log', 'log rotation', 'memo'].map((name) => found.of(name).state);
      };
      assert.deepEqual(await states(), ['ok', 'ok', 'ok']);
      chmodSync(log, 0o644);
      chmodSync(memo, 0o750);
      assert.deepEqual(await states(), ['warn', 'ok', 'fail']);
      rmSync(log);
      rmSync(memo, { recursive: true });
      assert.deepEqual(await states(), ['ok', 'ok', 'ok']);
      chmodSync(where.folder, 0o700);
      assert.equal((await states())[0], 'fail');
    },
  );

  test('doctor finds a memo directory of another user', needsRoot, async () => {
    const where = place();
    mkdirSync(join(where.folder, 'log/outrigger-memo'), { mode: 0o700 });
    assert.match((await diagnose([], where)).of('memo').advice ?? '', /^Remove it: rm -r/);
  });

  test('doctor finds a secret file that the service cannot read', needsRoot, async () => {
    const where = place();
    chmodSync(join(where.folder, 'secrets'), 0o755);
    writeFileSync(join(where.folder, 'secrets/token'), 'right-token', { mode: 0o600 });
    const words = ['provider=remote', 'url=ftp://x', 'token_file=token'];
    const found = await diagnose(words, where);
    assert.match(found.of('secrets').found, /^nobody may not read/);
    assert.match(found.of('secrets').advice ?? '', /chmod 0640/);
  });

  const secretFiles: readonly (readonly [string, (file: string) => void, RegExp])[] = [
    ['that everybody may read', (file) => chmodSync(file, 0o644), /must be root's and closed/],
    ['of another owner', (file) => chownSync(file, 1, 1), /must be root's and closed/],
    [
      'in a directory that others may write',
      (file) => chmodSync(dirname(file), 0o777),
      /must belong/,
    ],
    ['that is missing', (file) => rmSync(file), /^there is no file/],
    ['in no directory', (file) => rmSync(dirname(file), { recursive: true }), /not a directory/],
    ['in a directory it may not enter', (file) => chmodSync(dirname(file), 0o700), /may not enter/],
  ];
  for (const [what, spoil, said] of secretFiles) {
    test(`doctor finds a secret file ${what}`, needsRoot, async () => {
      const where = place();
      const file = join(where.folder, 'secrets/token');
      chmodSync(dirname(file), 0o755);
      writeFileSync(file, 'right-token', { mode: 0o640 });
      const { gids = [] } = findAccount('nobody') ?? {};
      chownSync(file, 0, gids[0] ?? 0);
      const words = ['provider=remote', 'url=ftp://x', 'token_file=token'];
      assert.equal((await diagnose(words, where)).of('secrets').state, 'ok');
      spoil(file);
      const { state, found } = (await diagnose(words, where)).of('secrets');
      assert.equal(state, 'fail');
      assert.match(found, said);
    });
  }

  const entryPoints: readonly (readonly [string, (file: string) => void, string, RegExp])[] = [
    ['as it is installed', () => {}, 'ok', /root, mode 0755$/],
    ['that it may not run', (file) => chmodSync(file, 0o700), 'fail', /may not read and execute/],
    ['that others may change', (file) => chmodSync(file, 0o775), 'fail', /others may change/],
    ['of a third user', (file) => chownSync(file, 1, 1), 'warn', /mode 0755$/],
    ['behind a wall', (file) => chmodSync(dirname(file), 0o700), 'fail', /nobody may not enter/],
  ];
  for (const [what, spoil, wanted, said] of entryPoints) {
    test(`doctor judges an entry point ${what}`, needsRoot, async () => {
      const directory = join(temporaryDirectory(), 'extensions/lab');
      mkdirSync(directory, { recursive: true });
      const file = join(directory, 'outrigger');
      writeFileSync(file, '', { mode: 0o755 });
      chmodSync(join(directory, '../..'), 0o755);
      spoil(file);
      const { state, found } = (await diagnose([], place(), file)).of('entry point');
      assert.equal(state, wanted);
      assert.match(found, said);
    });
  }

  test('doctor finds files beside the entry point, and an entry point that is a link', async () => {
    const directory = join(temporaryDirectory(), 'extensions/lab');
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'outrigger');
    symlinkSync('/bin/true', file);
    const alone = await diagnose([], place(), file);
    assert.equal(alone.of('directory').state, 'ok');
    assert.match(alone.of('entry point').found, /is a link$/);
    writeFileSync(join(directory, 'secrets.txt'), '');
    const { state, found } = (await diagnose([], place(), file)).of('directory');
    assert.equal(state, 'warn');
    assert.match(found, /beside the entry point in \S+: secrets\.txt$/);
  });

  test('doctor finds a log and a memo that are switched off', async () => {
    const where = place();
    const log = { enabled: false, file: join(where.folder, 'log/outrigger.log') };
    writeFileSync(where.config, JSON.stringify({ log, memo: { seconds: 0 } }));
    const found = await diagnose([], where);
    assert.equal(found.of('log').found, 'switched off');
    assert.equal(found.of('memo').found, 'switched off');
    assert.equal(found.of('log rotation').state, 'skipped');
  });

  test('doctor finds a configuration that others may change', needsRoot, async () => {
    const where = place();
    chmodSync(where.config, 0o666);
    const { state, advice } = (await diagnose([], where)).of('configuration');
    assert.equal(state, 'warn');
    assert.match(advice ?? '', /^chown root .*; chmod 0644/);
  });

  test('doctor finds a broken configuration', async () => {
    const where = place();
    writeFileSync(where.config, '{ "log": { "levle": "debug" } }');
    const found = await diagnose(['provider=remote'], where);
    assert.equal(found.code, 1);
    assert.equal(found.of('configuration').state, 'fail');
  });

  test('doctor explains a Node.js without snapshot and one with FIPS', () => {
    const slow = { version: 'v20.1.0', path: '/usr/bin/node', snapshot: false, codeCache: true };
    const [build, fips] = nodeChecks({ ...slow, fips: true });
    assert.deepEqual([build?.state, fips?.state], ['warn', 'warn']);
    assert.match(fips?.advice ?? '', /NTLM/);
    const [good, none] = nodeChecks({ ...slow, snapshot: true, fips: false });
    assert.deepEqual([good?.state, none?.state], ['ok', 'ok']);
  });

  test('doctor reads users, their groups and the rights that a mode gives them', () => {
    const folder = temporaryDirectory();
    const files = { passwd: join(folder, 'passwd'), group: join(folder, 'group') };
    writeFileSync(files.passwd, 'root:x:0:0::/root:/bin/sh\ncloud:x:7:8::/var/lib/cloud:/bin/sh\n');
    writeFileSync(files.group, 'other:x:9:adm,cloud\nlone:x:10:\n');
    const cloud = findAccount('cloud', files);
    assert.deepEqual(cloud, { name: 'cloud', uid: 7, gids: [8, 9], home: '/var/lib/cloud' });
    assert.ok(cloud);
    const file = { uid: 0, gid: 9, mode: 0o640 } as Parameters<typeof may>[2];
    assert.deepEqual([may(cloud, 'read', file), may(cloud, 'write', file)], [true, false]);
    assert.equal(findAccount('nobody-here', files), undefined);
  });
});

describe('doctor as the file that is installed', () => {
  test('doctor exits with 0 when nothing is wrong, and with 1 when the file was modified', () => {
    const { folder, config } = place();
    const { file, remove } = copyAlone();
    const env = { OUTRIGGER_CONFIG: config, HOME: folder };
    const words = ['doctor', '--user', 'root', 'provider=simulator', 'installation=cs-1', '--json'];
    try {
      const good = spawnFile(file, words, { env });
      assert.equal(good.exitCode, 0, good.output);
      // As long as it was: a file of another length does not even begin.
      const text = readFileSync(file, 'utf8');
      writeFileSync(
        file,
        text.replace(/Permission is hereby granted/g, 'Permission is never granted.'),
      );
      const bad = spawnFile(file, words, { env });
      assert.equal(bad.exitCode, 1);
      const { checks } = JSON.parse(bad.output) as { checks: readonly Finding[] };
      const wrong = checks.filter(({ state }) => state === 'fail');
      assert.deepEqual(
        wrong.map(({ name }) => name),
        ['content'],
      );
      assert.match(wrong[0]?.advice ?? '', /install\.sh --check/);
    } finally {
      remove();
    }
  });
});

describe('Commands run by a user who may not see everything', () => {
  test(
    'commands run by a user with few rights call a hidden file hidden, not missing',
    needsRoot,
    () => {
      const { folder, config } = place();
      const hidden = join(folder, 'hidden');
      mkdirSync(join(hidden, 'log'), { recursive: true });
      chmodSync(hidden, 0o700);
      chmodSync(folder, 0o755);
      writeFileSync(config, JSON.stringify({ log: { file: join(hidden, 'log/outrigger.log') } }));
      const { file, remove } = copyAlone();
      const run = (...words: string[]) =>
        spawnFile(file, words, { uid: 65534, env: { OUTRIGGER_CONFIG: config } });
      try {
        const looked = run('doctor', '--json');
        assert.equal(looked.exitCode, 0, looked.output);
        assert.match(looked.output, /\/hidden\/log is hidden from the user that runs doctor/);
        const called = run('invoke', join(hidden, 'extension'), 'status', '/nowhere.json');
        assert.equal(called.exitCode, 1);
        assert.match(called.output, /CloudStack refuses the entry point: this user may not enter/);
      } finally {
        remove();
      }
    },
  );
});

describe('doctor with input that makes no sense', () => {
  const folder = temporaryDirectory();
  const list = join(folder, 'list.json');
  writeFileSync(list, '[1]');
  const odd = join(folder, 'odd.json');
  writeFileSync(odd, '{ "hots": { "url": "x" } }');
  const deep = join(folder, 'deep.json');
  writeFileSync(deep, '{ "host": { "url": ["x"] } }');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['nonsense'], /"nonsense" is no detail/],
    [['--details', deep], /has something else than a text under "url"/],
    [['--details', '/nowhere.json'], /cannot be read \(ENOENT\)/],
    [['--details', list], /does not hold a JSON object/],
    [['--details', odd], /speaks of "hots"/],
    [['--payload', '/nowhere.json'], /there is no such file/],
    [['--detials', 'x'], /did you mean --details/],
  ];
  for (const [words, complaint] of cases) {
    test(`doctor refuses the input with exit code 2: ${words.join(' ')}`, async () => {
      const world = createWorld({ providers: { remote } });
      assert.equal(await runCommand(['doctor', ...words], world), 2);
      assert.match(world.complained(), complaint);
    });
  }

  test('doctor reads a file of details by place or of the host alone, and typed details win', async () => {
    const host = { url: 'ftp://x', token: 'abcd' };
    for (const [name, content] of [
      ['places', { extension: { provider: 'remote' }, host }],
      ['host', { provider: 'remote', ...host, verify_tls_certificate: false }],
    ] as const) {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, JSON.stringify(content));
      const found = await diagnose(['--details', file]);
      assert.equal(found.of('provider').found, 'Remote System');
      assert.equal(found.of('details').state, 'ok');
      const typed = await diagnose(['--details', file, 'provider=another', 'extension.provider=x']);
      assert.equal(typed.of('provider').state, 'fail');
    }
  });

  test('doctor reads a payload that CloudStack wrote', async () => {
    const payload = join(process.cwd(), 'test/payloads/main/status.json');
    const found = await diagnose(['--payload', payload, '--provider', 'remote']);
    assert.equal(found.of('provider').state, 'ok');
  });
});
