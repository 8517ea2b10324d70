import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/*
 * The files of the .deb and the .rpm: the unpacked package below /usr/lib/outrigger, the command `outrigger`,
 * and a helper that copies the file into an extension's directory. Nothing of CloudStack is touched.
 */

const home = 'usr/lib/outrigger';
const helper = `#!/bin/sh
# Copies Outrigger of this package into the directory of an extension on this server, with owner and mode:
# outrigger-install --name "Proxmox Lab". Every option of install.sh goes, such as --uninstall.
exec /${home}/install.sh --local "$@"
`;

/** Files by their path in the package; the folder is the unpacked tar file. */
const copies = {
  [`${home}/install.sh`]: 'install.sh',
  [`${home}/out/outrigger`]: 'out/outrigger',
  [`${home}/out/SHA256SUMS`]: 'out/SHA256SUMS',
  'usr/share/doc/outrigger/README.md': 'README.md',
  'usr/share/doc/outrigger/docs': 'docs',
};

/** Lays the files out below a folder; all belong to root there, and no umask counts. */
export function layOut(folder, unpacked, { changelog, copyright }) {
  for (const [path, from] of Object.entries(copies)) {
    make(folder, path, (at) => cpSync(join(unpacked, from), at, { recursive: true }));
  }
  make(folder, 'usr/sbin/outrigger-install', (at) => writeFileSync(at, helper));
  make(folder, 'usr/bin/outrigger', (at) => symlinkSync('../lib/outrigger/out/outrigger', at));
  const doc = 'usr/share/doc/outrigger';
  make(folder, `${doc}/copyright`, (at) => writeFileSync(at, copyright));
  make(folder, `${doc}/changelog.gz`, (at) => writeFileSync(at, packed(changelog)));
}

function make(folder, path, write) {
  const at = join(folder, path);
  mkdirSync(dirname(at), { recursive: true });
  write(at);
}

/** Whether a path of the package is a program. */
export function isProgram(path) {
  return /(install\.sh|out\/outrigger|outrigger-install)$/.test(path);
}

/** The modes that the files have on a server. */
export function setModes(folder, entries) {
  for (const { path, kind } of entries) {
    if (kind === 'link') continue;
    chmodSync(join(folder, path), kind === 'folder' || isProgram(path) ? 0o755 : 0o644);
  }
}

/** A gzip wrapper without compression, which differs from one Node to the next, and without the system's name. */
export function packed(data) {
  const wrapped = gzipSync(data, { level: 0 });
  wrapped[8] = 0;
  wrapped[9] = 255;
  return wrapped;
}
