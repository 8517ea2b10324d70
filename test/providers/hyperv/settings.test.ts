import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import {
  folderPath,
  isSamePath,
  isUnder,
  mediaPath,
} from '../../../src/providers/hyperv/api/paths.ts';
import {
  type Blueprint,
  diskType,
  generationOf,
  secureTemplate,
} from '../../../src/providers/hyperv/blueprint.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import { addressOf } from '../../../src/providers/hyperv/settings-address.ts';
import { settingsOf } from './scene.ts';

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

test('what an instance chooses has to fit together', () => {
  const wrong = (more: object): string => {
    const chosen = { template_type: 'template', is_full_clone: true, ...more } as Blueprint;
    const { blueprintIssues } = hyperv;
    return blueprintIssues?.(chosen, settingsOf(details)).join() ?? 'no issues';
  };
  const vhd = { template_path: 'D:\\T\\old.vhd' };
  const vhdx = { template_path: 'D:\\T\\new.vhdx' };
  assert.equal(wrong(vhd), '');
  assert.equal(wrong({ ...vhd, vhd_size_gb: 9 }), '');
  assert.equal(wrong({ ...vhd, is_full_clone: false }), '');
  assert.equal(diskType({ template_type: 'iso', ...vhd } as Blueprint), 'vhdx');
  assert.equal(wrong({ ...vhdx, is_full_clone: false, vhd_size_gb: 9, generation: 2 }), '');
  assert.match(wrong({}), /"template_path" is missing/);
  assert.match(wrong({ template_type: 'iso', vhd_size_gb: 9 }), /^"iso_path" is missing/);
  assert.match(wrong({ ...vhd, generation: 2 }), /\.vhdx format/);
  assert.match(wrong({ template_path: 'd:\\machines\\a\\x.vhdx' }), /inside vm_path/);
  assert.match(wrong({ ...vhd, is_full_clone: false, vhd_size_gb: 9 }), /differencing disk/);
});

test('what CloudStack asks for decides over the firmware where the details do not', () => {
  const secure = { boot: { firmware: 'uefi', secure: true } } as const;
  const plain = { boot: { firmware: 'uefi', secure: false } } as const;
  const none = { template_type: 'template', is_full_clone: true } as Blueprint;
  assert.deepEqual(
    [secure, plain, {}].map((instance) => generationOf(instance, none)),
    [2, 2, 1],
  );
  assert.equal(generationOf(secure, { ...none, generation: 1 }), 1);
  assert.deepEqual(
    [secure, plain, {}].map((instance) => secureTemplate(instance, none)),
    ['MicrosoftWindows', '', ''],
  );
  assert.equal(secureTemplate(secure, { ...none, secure_boot: 'off' }), '');
});

test('an address of plain http, or that is none, is refused', () => {
  for (const url of [
    'http://hv1:5985',
    'HTTP://hv1',
    'ftp://hv1',
    'https://u:p@hv1',
    'https://hv1/?a=1',
    'https://hv1/#a',
    'a b',
    '',
  ]) {
    assert.throws(() => settingsOf({ ...details, url }), { kind: 'config' }, url);
  }
});

test('an address is understood with and without its parts', () => {
  const read = (url: string): string => settingsOf({ ...details, url }).url;
  assert.equal(read('hv1'), 'https://hv1:5986');
  assert.equal(read('10.0.0.7'), 'https://10.0.0.7:5986');
  assert.equal(read('hv1:443'), 'https://hv1:443');
  assert.equal(read('https://hv1.example.org'), 'https://hv1.example.org:5986');
  assert.equal(read('https://hv1:5987/wsman/'), 'https://hv1:5987/wsman');
  assert.equal(read('fd00::7'), 'https://[fd00::7]:5986');
  assert.equal(read('[fd00::7]:443'), 'https://[fd00::7]:443');
});

test('a host is asked at the port and path that are set, and by its name', () => {
  const at = (more: Readonly<Record<string, string>>): readonly string[] => {
    const { base, path, host } = addressOf(settingsOf({ ...details, ...more }));
    return [base + path, host];
  };
  assert.deepEqual(at({}), ['https://hv1:5986/wsman', 'hv1']);
  assert.deepEqual(at({ url: 'hv1:443' }), ['https://hv1:443/wsman', 'hv1']);
  assert.deepEqual(at({ port: '443' }), ['https://hv1:443/wsman', 'hv1']);
  assert.deepEqual(at({ url: 'hv1:1', port: '5987' }), ['https://hv1:5987/wsman', 'hv1']);
  assert.deepEqual(at({ url: 'https://hv1/x/' }), ['https://hv1:5986/x', 'hv1']);
  assert.deepEqual(at({ url: 'fd00::7' }), ['https://[fd00::7]:5986/wsman', 'fd00::7']);
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
