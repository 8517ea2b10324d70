import * as v from 'valibot';
import type { Fields, Values } from '../../contract/field.ts';
import type { SizedInstance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { isUserData, userDataIssue } from '../../guest/user-data.ts';
import { oneOf, wholeNumber, yesNo } from '../../kit/fields.ts';
import { dataDiskIssues, dataDisks } from '../../lifecycle/data-disks.ts';
import { guestSystem, isoPath, userData } from '../../lifecycle/shared-settings.ts';
import { extension, isUnder, mediaPath } from './api/paths.ts';
import type { Settings } from './settings.ts';

/** The details that an instance may choose. */
export const blueprint = {
  template_type: {
    about: 'Whether the instance is made from a template disk or installed from an ISO image',
    schema: oneOf('template', 'iso'),
    default: 'template',
  },
  template_path: {
    about: 'The disk (.vhdx or .vhd) that the instance is made from',
    schema: () =>
      v.pipe(
        mediaPath(['vhdx', 'vhd'], 'allowed_templates')(),
        // As PROGRA~1: a second name, under which another machine's disk would not be recognised.
        v.check(
          (path) => !/~\d/.test(path),
          'must not hold "~" before a digit, as short names do (PROGRA~1)',
        ),
      ),
    within: 'allowed_templates',
    example: 'D:\\Templates\\debian-12.vhdx',
  },
  iso_path: {
    ...isoPath,
    schema: mediaPath(['iso'], 'allowed_isos'),
    example: 'D:\\ISO\\debian-12.iso',
  },
  generation: {
    about:
      'Generation of the virtual machine: 1 (BIOS) or 2 (UEFI); unset: 2 where CloudStack asks for UEFI, else 1',
    schema: () => v.pipe(oneOf('1', '2')(), v.transform(Number)),
    example: '2',
  },
  vhd_size_gb: {
    about: "Size of the disk: needed for an ISO image, a larger one than the template's otherwise",
    schema: wholeNumber({ min: 1, max: 65_536 }),
    unit: 'GiB',
    within: 'max_disk_gb',
    also: ['disk_size_gb'],
    example: '40',
  },
  data_disks: {
    ...dataDisks,
    about: 'Data disks that the instance is made with, as sizes in GiB; they lie in vhd_path',
    example: '100,500',
  },
  is_full_clone: {
    about:
      'Whether the template is copied; else a differencing disk is made, and the template must never change again',
    schema: yesNo,
    default: 'true',
  },
  secure_boot: {
    about:
      'Secure Boot of generation 2: off, windows, or linux (which also trusts the signer of Linux boot loaders); unset: windows where CloudStack asks for it, else off',
    schema: oneOf('off', 'windows', 'linux'),
    example: 'linux',
  },
  user_data: {
    ...userData,
    about:
      'What cloud-init or cloudbase-init shall do at the first boot, as it is or in base64, where CloudStack itself sends none',
  },
  guest_system: {
    ...guestSystem,
    about:
      'The kind of system in the guest, which decides the form of its data; unset: windows where CloudStack or secure_boot says so, else linux',
  },
} as const satisfies Fields;

export type Blueprint = Values<typeof blueprint>;

export function blueprintIssues(wanted: Blueprint, settings: Settings): string[] {
  const named = wanted.data_disks?.some(({ storage }) => storage !== undefined);
  const { user_data } = wanted;
  return [
    ...sourceIssues(wanted, settings),
    ...dataDiskIssues(wanted, settings),
    ...(named ? ['"data_disks" names a storage, and all disks lie in vhd_path'] : []),
    ...(user_data === undefined || isUserData(user_data) ? [] : [userDataIssue]),
  ];
}

function sourceIssues(
  { template_type, template_path, iso_path, vhd_size_gb, generation, is_full_clone }: Blueprint,
  { vm_path }: Settings,
): string[] {
  if (template_type === 'iso') {
    return [
      ...(iso_path === undefined ? ['"iso_path" is missing, which template_type "iso" needs'] : []),
      ...(vhd_size_gb === undefined
        ? ['"vhd_size_gb" is missing, which template_type "iso" needs']
        : []),
    ];
  }
  if (template_path === undefined) return ['"template_path" is missing'];
  const old = extension(template_path) === 'vhd';
  return [
    ...(old && generation === 2 ? ['generation 2 needs a template in the .vhdx format'] : []),
    ...(isUnder(template_path, vm_path) ? ['"template_path" is inside vm_path'] : []),
    ...(!is_full_clone && vhd_size_gb !== undefined && old
      ? ['"vhd_size_gb" cannot be had with a differencing disk of a .vhd template']
      : []),
  ];
}

export const gib: number = 1024 ** 3;

/** The type of file that the disk becomes. */
export function diskType({ template_type, template_path = '' }: Blueprint): string {
  return template_type === 'iso' ? 'vhdx' : extension(template_path);
}

export function generationOf(
  { boot }: Pick<SizedInstance, 'boot'>,
  { generation }: Blueprint,
): number {
  return generation ?? (boot?.firmware === 'uefi' ? 2 : 1);
}

/** The name of Hyper-V's Secure Boot template; empty where it is off, as most templates need. */
export function secureTemplate(
  { boot }: Pick<SizedInstance, 'boot'>,
  { secure_boot }: Blueprint,
): string {
  const wanted = secure_boot ?? (boot?.secure === true ? 'windows' : 'off');
  return { off: '', windows: 'MicrosoftWindows', linux: 'MicrosoftUEFICertificateAuthority' }[
    wanted
  ];
}

/** The failure of a wish for a disk that would have to shrink. */
export function tooSmall(wantedGb: number, bytes: number): Failure {
  const sentence = `The disk has ${Math.ceil(bytes / gib)} GiB and cannot be made smaller (${wantedGb} GiB)`;
  return new Failure('usage', sentence, { tenant: sentence });
}
