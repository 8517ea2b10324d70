import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { hyperv } from '../../src/providers/hyperv/index.ts';
import { folderPath, isSamePath, isUnder, mediaPath } from '../../src/providers/hyperv/paths.ts';
import { settingsOf } from './fakes/hyperv/scene.ts';

const details = {
  url: 'hv1',
  username: 'user',
  password: 'secret',
  network_switch: 'External',
  vhd_path: 'D:\\Disks\\',
  vm_path: 'D:\\Machines',
};

const issues = (more: Readonly<Record<string, string>>): readonly string[] =>
  hyperv.settingsIssues?.(settingsOf({ ...details, ...more })) ?? [];

test('settings of the built-in extension are all that is needed', () => {
  assert.deepEqual(issues({}), []);
  assert.equal(settingsOf(details).vhd_path, 'D:\\Disks');
  const { network_switch: name, ...rest } = details;
  assert.equal(settingsOf({ ...rest, network_bridge: name }).network_switch, 'External');
});

test('settings that contradict each other are named', () => {
  assert.match(issues({ vhd_path: 'D:\\' })[0] ?? '', /not a whole drive/);
  assert.match(issues({ network_switches: 'a=X, A=Y' })[0] ?? '', /names a twice/);
  assert.match(issues({ checkpoint_type: 'standard' })[0] ?? '', /snapshot_memory/);
  assert.deepEqual(issues({ checkpoint_type: 'standard', snapshot_memory: 'true' }), []);
});

test('a switch whose name a cmdlet would take for a pattern is refused', () => {
  for (const network_switch of ['Ext*', 'a?', '[ab]', 'a`b', 'a"b', '']) {
    assert.throws(() => settingsOf({ ...details, network_switch }), { kind: 'config' });
  }
});

test('a folder is plain and absolute, on a drive or a share', () => {
  const read = (path: string): boolean => v.safeParse(folderPath(), path).success;
  for (const path of ['D:\\a', 'd:\\a b\\c(1)', '\\\\srv\\share', '\\\\srv\\share$\\a', 'C:\\ÄÖ']) {
    assert.equal(read(path), true, path);
  }
  for (const path of [
    '',
    'a',
    'D:',
    'D:a',
    '\\a',
    'D:/a',
    'D:\\a\\..\\b',
    'D:\\.',
    'D:\\a.\\b',
    'D:\\a \\b',
  ]) {
    assert.equal(read(path), false, path);
  }
  for (const path of [
    'D:\\a*',
    'D:\\nul',
    'D:\\a:b',
    '\\\\?\\D:\\a',
    '\\\\.\\pipe\\x',
    'D:\\a\nb',
    'D:\\a`b',
  ]) {
    assert.equal(read(path), false, path);
  }
});

test('a file has one of its types, in any case', () => {
  const read = (path: string): boolean =>
    v.safeParse(mediaPath(['vhdx', 'vhd'], 'x')(), path).success;
  assert.equal(read('D:\\a\\B.VHDX'), true);
  for (const path of [
    'D:\\a.avhdx',
    'D:\\a.vhdx\\',
    'D:\\a',
    'D:\\a.vhdx.',
    'D:\\a.vhdx ::$DATA',
  ]) {
    assert.equal(read(path), false, path);
  }
});

test('paths are compared as Windows does', () => {
  assert.equal(isSamePath('D:\\A\\b.vhdx', 'd:\\a\\B.VHDX'), true);
  assert.equal(isUnder('d:\\disks\\x.vhdx', 'D:\\Disks'), true);
  assert.equal(isUnder('D:\\Disks2\\x.vhdx', 'D:\\Disks'), false);
  assert.equal(isUnder('D:\\Disks\\..\\x.vhdx', 'D:\\Disks'), false);
  assert.equal(isUnder('D:\\Disks', 'D:\\Disks'), false);
});
