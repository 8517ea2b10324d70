import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packed } from './tree.mjs';

/*
 * A Debian package: an `ar` archive of three members. It has no scripts: dpkg puts files there and takes
 * them away, and copies in extensions' directories stay as they are.
 */

const seconds = Date.UTC(2026, 0, 1) / 1000;

export function debOf(work, tree, { manifest, entries }) {
  const control = join(work, 'control');
  mkdirSync(control);
  const files = entries.filter(({ kind }) => kind === 'file');
  const sums = files.map(({ path, content }) => `${md5(content)}  ${path}\n`);
  writeFileSync(join(control, 'control'), controlOf(manifest, files), { mode: 0o644 });
  writeFileSync(join(control, 'md5sums'), sums.join(''), { mode: 0o644 });
  return Buffer.concat([
    Buffer.from('!<arch>\n'),
    member('debian-binary', Buffer.from('2.0\n')),
    member('control.tar.gz', packed(tarOf(control))),
    member('data.tar.gz', packed(tarOf(tree))),
  ]);
}

function controlOf({ name, version }, files) {
  const kib = Math.ceil(files.reduce((sum, { content }) => sum + content.length, 0) / 1024);
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    'Architecture: all',
    'Maintainer: The Outrigger authors',
    `Installed-Size: ${kib}`,
    'Depends: nodejs (>= 18.17), bash (>= 4.4)',
    'Section: admin',
    'Priority: optional',
    'Description: extension of Apache CloudStack for other hypervisors',
    ' Outrigger lets Apache CloudStack run instances on Proxmox VE, Hyper-V,',
    ' MAAS, Incus, LXD and libvirt. The command outrigger-install copies the',
    ' file into the directory of an extension. Installing the package changes',
    ' nothing in CloudStack.',
    '',
  ].join('\n');
}

function tarOf(folder) {
  const fixed = ['--format=ustar', `--mtime=@${seconds}`, '--owner=root:0', '--group=root:0'];
  return execFileSync(
    'tar',
    [...fixed, '--mode=u=rwX,go=rX', '--sort=name', '-cf', '-', '-C', folder, '.'],
    {
      maxBuffer: 64 * 1024 * 1024,
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    },
  );
}

/** A header of 60 characters, the content, and a line break where that makes its length even. */
function member(name, content) {
  const words = [
    name.padEnd(16),
    String(seconds).padEnd(12),
    '0'.padEnd(6),
    '0'.padEnd(6),
    '100644'.padEnd(8),
    String(content.length).padEnd(10),
    '`\n',
  ];
  const padding = content.length % 2 === 0 ? '' : '\n';
  return Buffer.concat([Buffer.from(words.join('')), content, Buffer.from(padding)]);
}

function md5(data) {
  return createHash('md5').update(data).digest('hex');
}
