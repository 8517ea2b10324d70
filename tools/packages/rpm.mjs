import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { cpioOf, fileType } from './cpio.mjs';
import { headerOf } from './rpm-header.mjs';
import { isProgram, packed } from './tree.mjs';

/*
 * An .rpm without rpmbuild, whose output differs from one release to the next. The numbers are those of
 * rpm's own table of tags.
 */

const seconds = Date.UTC(2026, 0, 1) / 1000;
const release = '1';
const hash = (algorithm, data) => createHash(algorithm).update(data);

/** Folders that a system has anyway belong to no package. */
const shared = /^usr(\/(bin|sbin|lib|share|share\/doc))?$/;

export function rpmOf({ manifest, entries }) {
  const files = entries
    .filter(({ path }) => !shared.test(path))
    .map((entry, at) => ({ ...entry, inode: at + 1, mode: modeOf(entry) }));
  const archive = cpioOf(files, seconds);
  const payload = packed(archive);
  const header = headerOf(63, [
    ...about(manifest),
    ...dependencies(manifest),
    ...aboutFiles(files),
    [1124, 'string', 'cpio'],
    [1125, 'string', 'gzip'],
    [1126, 'string', '9'],
    [5092, 'strings', [hash('sha256', payload).digest('hex')]],
    [5093, 'int32', 8],
  ]);
  const both = Buffer.concat([header, payload]);
  const signature = headerOf(62, [
    [269, 'string', hash('sha1', header).digest('hex')],
    [273, 'string', hash('sha256', header).digest('hex')],
    [1000, 'int32', both.length],
    [1004, 'binary', hash('md5', both).digest()],
    [1007, 'int32', archive.length],
  ]);
  const gap = Buffer.alloc((8 - (signature.length % 8)) % 8);
  return Buffer.concat([leadOf(manifest), signature, gap, both]);
}

function modeOf({ path, kind }) {
  if (kind === 'link') return fileType.link | 0o777;
  return fileType[kind] | (kind === 'folder' || isProgram(path) ? 0o755 : 0o644);
}

/** The first 96 bytes, of which rpm reads only the magic number and the kind of the signature. */
function leadOf({ name, version }) {
  const lead = Buffer.alloc(96);
  lead.write('edabeedb0300', 'hex');
  lead.writeUInt16BE(1, 8);
  lead.write(`${name}-${version}-${release}`, 10);
  lead.writeUInt16BE(1, 76);
  lead.writeUInt16BE(5, 78);
  return lead;
}

function about({ name, version, license, description }) {
  const more = 'outrigger-install copies the file into the directory of an extension.';
  return [
    [100, 'strings', ['C']],
    [1000, 'string', name],
    [1001, 'string', version],
    [1002, 'string', release],
    [1004, 'translated', 'Extension of Apache CloudStack for other hypervisors'],
    [1005, 'translated', `${description}\n${more}\nInstalling it changes nothing in CloudStack.`],
    [1006, 'int32', seconds],
    [1007, 'string', 'localhost'],
    [1014, 'string', license],
    [1016, 'translated', 'System/Management'],
    [1021, 'string', 'linux'],
    [1022, 'string', 'noarch'],
    [1044, 'string', `${name}-${version}-${release}.src.rpm`],
    [1064, 'string', '4.16.0'],
  ];
}

function dependencies({ name, version }) {
  const rpmlib = 0x1000008 | 2;
  const required = [
    ['/bin/bash', 0, ''],
    ['nodejs', 8 | 4, '18.17'],
    ['rpmlib(CompressedFileNames)', rpmlib, '3.0.4-1'],
    ['rpmlib(FileDigests)', rpmlib, '4.6.0-1'],
    ['rpmlib(PayloadFilesHavePrefix)', rpmlib, '4.0-1'],
  ];
  return [
    [1047, 'strings', [name]],
    [1112, 'int32', [8]],
    [1113, 'strings', [`${version}-${release}`]],
    [1048, 'int32', required.map(([, flags]) => flags)],
    [1049, 'strings', required.map(([word]) => word)],
    [1050, 'strings', required.map(([, , least]) => least)],
  ];
}

function aboutFiles(files) {
  const folders = [...new Set(files.map(({ path }) => `/${dirname(path)}/`))];
  const each = (pick) => files.map(pick);
  const size = ({ content }) => content.length;
  return [
    [1009, 'int32', files.reduce((sum, file) => sum + size(file), 0)],
    [1028, 'int32', each(size)],
    [1030, 'int16', each(({ mode }) => mode)],
    [1033, 'int16', each(() => 0)],
    [1034, 'int32', each(() => seconds)],
    [1035, 'strings', each(digestOf)],
    [1036, 'strings', each(({ kind, content }) => (kind === 'link' ? content : ''))],
    [1037, 'int32', each(({ path }) => (path.includes('/share/doc/') ? 2 : 0))],
    [1039, 'strings', each(() => 'root')],
    [1040, 'strings', each(() => 'root')],
    [1045, 'int32', each(() => -1)],
    [1095, 'int32', each(() => 1)],
    [1096, 'int32', each(({ inode }) => inode)],
    [1097, 'strings', each(() => '')],
    [1116, 'int32', each(({ path }) => folders.indexOf(`/${dirname(path)}/`))],
    [1117, 'strings', each(({ path }) => basename(path))],
    [1118, 'strings', folders],
    [5011, 'int32', 8],
  ];
}

function digestOf({ kind, content }) {
  return kind === 'file' ? hash('sha256', content).digest('hex') : '';
}
