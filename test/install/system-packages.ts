import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, it } from 'node:test';

const programs = ['/usr/bin/dpkg-deb', '/usr/bin/rpm', '/usr/bin/lintian', '/usr/bin/ssh-keygen'];
const lacking = programs.find((file) => !existsSync(file));

/** The reason why this machine cannot play these cases; false where it can. */
export const skip = missing() ?? false;
if (process.env['CI'] !== undefined) assert.equal(skip, false);

/** lintian's findings that stay, with the reason. */
const accepted: Readonly<Record<string, string>> = {
  'malformed-contact': 'the address is that of the person who makes a release',
  'changelog-not-compressed-with-max-compression': 'what zlib compresses differs between machines',
  'syntax-error-in-debian-changelog': 'the changelog is the one of the project, in Markdown',
  'no-manual-page': '`outrigger help` and `--help` are the manual',
  'unusual-interpreter': 'line 1 clears the environment before Node.js starts',
};

/** The cases of the .deb and the .rpm that lie in the folder `made` when the cases are played. */
export function describeSystemPackages(made: () => string): void {
  let folder = '';
  let deb = '';
  let rpm = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-packages-'));
    chmodSync(folder, 0o755);
    const named = (end: string) =>
      join(made(), readdirSync(made()).find((name) => name.endsWith(end)) ?? end);
    [deb, rpm] = [named('.deb'), named('.rpm')];
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('dpkg installs the package without a script of its own, and leaves nothing of it when it removes it', () => {
    const root = rootIn('dpkg');
    for (const name of ['info', 'updates', 'triggers']) {
      mkdirSync(join(root, 'var/lib/dpkg', name), { recursive: true });
    }
    for (const name of ['status', 'available']) writeFileSync(join(root, 'var/lib/dpkg', name), '');
    const before = filesOf(root);
    const dpkg = (...words: string[]) =>
      run('dpkg', [`--root=${root}`, '--force-depends', '--log=/dev/null', ...words]);
    dpkg('-i', deb);
    works(root);
    const control = execFileSync('dpkg-deb', ['--ctrl-tarfile', deb]);
    const listed = execFileSync('tar', ['tf', '-'], { input: control, encoding: 'utf8' });
    assert.deepEqual(listed.trim().split('\n'), ['./', './control', './md5sums']);
    assert.match(run('dpkg-deb', ['-f', deb, 'Depends']), /nodejs \(>= 18\.17\)/);
    assert.equal(run('dpkg', [`--root=${root}`, '--verify', 'outrigger']), '');
    dpkg('-P', 'outrigger');
    assert.deepEqual(filesOf(root), before);
  });

  it('rpm finds its digests right, installs it, verifies each file and removes it', () => {
    const root = rootIn('rpm');
    const rpmIn = (...words: string[]) => run('rpm', [`--root=${root}`, ...words]);
    assert.match(run('rpm', ['-K', rpm]), /digests OK/);
    assert.match(run('rpm', ['-qRp', rpm]), /^nodejs >= 18\.17$/m);
    assert.equal(run('rpm', ['-qp', '--scripts', rpm]), '');
    rpmIn('-i', '--nodeps', rpm);
    works(root);
    assert.equal(rpmIn('-V', '--nodeps', 'outrigger'), '');
    rpmIn('-e', 'outrigger');
    assert.deepEqual(filesOf(root), []);
  });

  it('lintian finds nothing but what was accepted with a reason', () => {
    const { stdout } = spawnSync('lintian', ['--allow-root', '--no-cfg', deb], {
      encoding: 'utf8',
    });
    const tags = stdout
      .split('\n')
      .flatMap((line) => /^[EW]: outrigger: (\S+)/.exec(line)?.[1] ?? []);
    assert.deepEqual(
      tags.filter((tag) => !Object.hasOwn(accepted, tag)),
      [],
    );
  });

  it('a detached signature by ssh-keygen is verified as docs/releasing.md says, and one of another file is not', () => {
    const page = readFileSync('docs/releasing.md', 'utf8');
    const lines = [...page.matchAll(/^ssh-keygen -Y (?:sign|verify) .*$/gm)].map(([line]) => line);
    assert.equal(lines.length, 2);
    const work = join(folder, 'signed');
    mkdirSync(work);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'KEY')]);
    const key = readFileSync(join(work, 'KEY.pub'), 'utf8');
    writeFileSync(join(work, 'allowed_signers'), `IDENTITY ${key}`);
    writeFileSync(join(work, 'FILE'), readFileSync(deb));
    const [sign = '', verify = ''] = lines;
    const shell = (line: string) => spawnSync('/bin/sh', ['-c', line], { cwd: work }).status;
    assert.equal(shell(sign), 0);
    assert.equal(shell(verify), 0);
    writeFileSync(join(work, 'FILE'), readFileSync(rpm));
    assert.notEqual(shell(verify), 0);
  });

  function rootIn(name: string): string {
    const root = join(folder, name);
    mkdirSync(root);
    return root;
  }
}

function missing(): string | undefined {
  if (lacking !== undefined) return `there is no ${lacking}`;
  return process.getuid?.() === 0 ? undefined : 'only root can install packages';
}

/** The command runs, and the helper copies it into the directory of an extension. */
function works(root: string): void {
  const file = join(root, 'usr/bin/outrigger');
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  assert.match(execFileSync(file, ['version'], { env, encoding: 'utf8' }), /^Outrigger /);
  const helper = join(root, 'usr/sbin/outrigger-install');
  assert.match(readFileSync(helper, 'utf8'), /\/usr\/lib\/outrigger\/install\.sh --local "\$@"$/m);
  assert.equal(statSync(helper).mode & 0o7777, 0o755);
  const server = join(root, 'server');
  const tree = join(server, 'usr/share/cloudstack-management/extensions');
  mkdirSync(tree, { recursive: true });
  mkdirSync(join(server, 'etc/default'), { recursive: true });
  writeFileSync(join(server, 'etc/default/cloudstack-management'), `PATH="${env.PATH}"\n`);
  execFileSync('chown', ['cloud:cloud', tree]);
  const words = ['--local', '--name', 'Lab', '--prefix', server];
  execFileSync(join(root, 'usr/lib/outrigger/install.sh'), words, { env, stdio: 'pipe' });
  const copy = join(tree, 'lab/outrigger');
  assert.equal(run('stat', ['-c', '%U:%G %a', copy]), 'cloud:cloud 755\n');
  assert.ok(readFileSync(copy).equals(readFileSync(file)));
  rmSync(server, { recursive: true });
}

function run(program: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${words.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

/** Files outside of the databases of dpkg and rpm. */
function filesOf(root: string): string[] {
  const names = readdirSync(root, { recursive: true }).map(String);
  return names.filter(
    (name) => statSync(join(root, name)).isFile() && !/var\/(lib|cache)|rpmdb/.test(name),
  );
}
