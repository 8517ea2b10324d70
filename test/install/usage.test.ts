import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { builtFile } from '../support/spawned.ts';
import { installer, runScript, skip } from './server-farm.ts';

const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no extension', ['--local'], /say which extension/],
  ['no server', ['--name', 'x'], /say where/],
  ['an unknown option', ['--name', 'x', '--local', '--hots', 'a'], /there is no option "--hots"/],
  ['an option in colours', ['--name', 'x', '--local', '--\u001b[31m'], /no option "--\?\[31m"/],
  ['an option without its value', ['--name', 'x', '--host'], /--host needs a value/],
  [
    'a host that ssh would read as an option',
    ['--name', 'x', '--host=-oProxyCommand=x'],
    /not a host/,
  ],
  ['a host by the name of this server', ['--name', 'x', '--host', 'local'], /use --local/],
  ['a server named twice', ['--name', 'x', '--host', 'a', '--host', 'a'], /a is named twice/],
  ['a hosts file that does not exist', ['--name', 'x', '--hosts-file', '/no/file'], /cannot read/],
  [
    'an --allow-down that names none of the servers',
    ['--name', 'x', '--local', '--allow-down', 'b'],
    /none of/,
  ],
  [
    'an extension name that makes no directory name',
    ['--name', '..', '--local'],
    /makes no directory's name/,
  ],
  ['an --entry with a path', ['--name', 'x', '--local', '--entry', '../y'], /bare file name/],
  [
    'a --node that is not an absolute path',
    ['--name', 'x', '--local', '--node', 'node'],
    /absolute path/,
  ],
  [
    'a --node with a character that a shell reads',
    ['--name', 'x', '--local', '--node', '/x;y'],
    /absolute path/,
  ],
  [
    '--name together with --replace',
    ['--name', 'x', '--replace', 'a/b', '--local'],
    /do not go together/,
  ],
  [
    'two commands at once',
    ['--name', 'x', '--local', '--dry-run', '--rollback'],
    /do not go together/,
  ],
  [
    'secrets with --rollback',
    ['--name', 'x', '--local', '--rollback', '--secret', '/x'],
    /no secrets/,
  ],
  [
    '--credentials without --check',
    ['--name', 'x', '--local', '--credentials', '/x'],
    /--credentials goes with --check alone/,
  ],
  [
    'a secret file that does not exist',
    ['--name', 'x', '--local', '--secret', '/no/s'],
    /secret file/,
  ],
];

describe('install.sh, used wrongly,', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-usage-'));
    copyFileSync(builtFile, join(folder, 'outrigger'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const refused = async (args: readonly string[], why: RegExp, code = 2) => {
    const done = await runScript(installer, [
      '--prefix',
      folder,
      '--file',
      join(folder, 'outrigger'),
      ...args,
    ]);
    assert.equal(done.code, code, done.output);
    assert.match(done.output, why);
    assert.match(done.output, /nothing was changed/);
  };

  for (const [what, args, why] of wrong) it(`refuses ${what}`, () => refused(args, why));

  it('ends --check with exit code 3, which monitoring takes for "unknown"', () =>
    refused(['--check', '--local'], /say which extension/, 3));

  it('reads one server from each line of the hosts file, with comments and Windows line ends', async () => {
    const hosts = join(folder, 'hosts');
    writeFileSync(hosts, '# all of them\r\n\r\n  a   # the first\r\na\r\n');
    await refused(['--name', 'x', '--hosts-file', hosts], /: a is named twice/);
    writeFileSync(hosts, 'a b\n');
    await refused(['--name', 'x', '--hosts-file', hosts], /"a b" is not a host/);
  });

  it('refuses secrets and keys of more than 64 KiB', async () => {
    const large = join(folder, 'large');
    writeFileSync(large, 'x'.repeat(65_537), { mode: 0o600 });
    const why = /\S+large is larger than 64 KiB/;
    await refused(['--name', 'x', '--local', '--secret', large], why);
    await refused(['--check', '--name', 'x', '--local', '--credentials', large], why, 3);
  });

  it('refuses an API key file that every user may read', () => {
    const open = join(folder, 'open.json');
    writeFileSync(open, '{}', { mode: 0o644 });
    const args = ['--check', '--name', 'x', '--local', '--credentials', open];
    return refused(args, /every user of this machine may read \S+open\.json, .*chmod 0600/, 3);
  });

  it('refuses a file that is not as it was built, or does not fit SHA256SUMS', async () => {
    const own = join(folder, 'own');
    copyFileSync(builtFile, own);
    writeFileSync(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  own\n`);
    await refused(['--name', 'x', '--local', '--file', own], /does not fit \S+SHA256SUMS/);
    const bare = ['--name', 'x', '--local', '--prefix', folder, '--file', 'own'];
    const { status, stderr } = spawnSync(installer, bare, { cwd: folder, encoding: 'utf8' });
    assert.deepEqual(
      [status, stderr.split('\n')[0]],
      [2, 'install.sh: own does not fit ./SHA256SUMS'],
    );
    appendFileSync(own, 'x');
    await refused(['--name', 'x', '--local', '--file', own], /is not as it was built/);
  });

  it('explains every option and every exit code', async () => {
    const { code, output } = await runScript(installer, ['--help']);
    assert.equal(code, 0);
    const patterns = readFileSync(installer, 'utf8').match(/^ +--[a-z-]+( \| --?[a-z-]+)*\)/gm);
    const options = patterns?.join(' ').match(/--[a-z-]+/g) ?? [];
    assert.ok(options.length > 15, 'the patterns of read_arguments were found');
    for (const option of options) assert.match(output, new RegExp(`^ .*${option}\\b`, 'm'));
    assert.match(output, /Exit codes\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 /);
  });

  it('passes shellcheck', (t) => {
    const done = spawnSync('shellcheck', [installer], { encoding: 'utf8' });
    if (done.error !== undefined) {
      if (process.env['CI'] !== undefined) throw done.error;
      t.skip('shellcheck is not installed');
      return;
    }
    assert.equal(done.stdout, '');
  });
});

describe('install.sh --check without a local file', { skip }, () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-alone-'));
    copyFileSync(installer, join(folder, 'install.sh'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('compares the servers with each other only, and says so', async () => {
    const args = ['--name', 'x', '--local', '--prefix', folder, '--check'];
    const { code, output } = await runScript(join(folder, 'install.sh'), args);
    assert.equal(code, 2, output);
    assert.match(
      output,
      /^There is no \S+\/out\/outrigger: the servers are compared with each other/,
    );
    assert.match(output, /there is no x\/outrigger\n/);
  });

  it('refuses to install', async () => {
    const args = ['--name', 'x', '--local', '--prefix', folder];
    const { code, output } = await runScript(join(folder, 'install.sh'), args);
    assert.equal(code, 2, output);
    assert.match(output, /cannot read \S+\/out\/outrigger; build it/);
  });
});

describe('the name of an extension', { skip }, () => {
  const names = {
    'Proxmox TS': 'proxmox_ts',
    'Hyper-V_2.0': 'hyper-v_2.0',
    'Größe/β 🚀': 'gr__e____',
  };
  for (const [name, directory] of Object.entries(names)) {
    it(`"${name}" is the directory ${directory}, as CloudStack makes it`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'outrigger-name-'));
      const args = ['--name', name, '--local', '--prefix', folder, '--file', builtFile, '--check'];
      const { output } = await runScript(installer, args);
      rmSync(folder, { recursive: true });
      assert.ok(output.includes(`there is no ${directory}/outrigger\n`), output);
    });
  }
});
