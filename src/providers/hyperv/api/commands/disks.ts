import * as v from 'valibot';
import { command, type Own, once } from '../command.ts';

/* The commands about data disks. */

const disk = () => v.object({ path: v.string(), size: v.nullable(v.number()) });

/**
 * The sizes of a machine's disks, and the files in the folder for disks that are an instance's data
 * disks by their names; `null` where the size cannot be read.
 */
export const dataDisks = command<{
  readonly folder: string;
  readonly uuid: string;
  readonly paths: readonly string[];
}>()(
  { name: 'dataDisks', doing: 'reading its disks' },
  String.raw`
# outrigger command: dataDisks
param($Given)
$uuid = ([guid][string]$Given.uuid).ToString()
$files = @(foreach ($file in @([IO.Directory]::GetFiles([string]$Given.folder, ('*-' + $uuid + '-data*.vhdx')))) { [string]$file })
$sizes = @(foreach ($path in @(@($Given.paths) + $files)) {
  $size = $null
  try {
    $size = [int64](Hyper-V\Get-VHD -Path ([string]$path)).Size
  } catch {
    $size = $null
  }
  @{ path = [string]$path; size = $size }
})
@{ files = $files; sizes = $sizes }
`,
  () => v.object({ files: v.array(v.string()), sizes: v.array(disk()) }),
);

/** The disks that each checkpoint of a machine holds. */
export const snapshotDisks = command<{ readonly id: string }>()(
  { name: 'snapshotDisks', doing: 'reading the disks of its checkpoints' },
  String.raw`
# outrigger command: snapshotDisks
param($Given)
$vm = Hyper-V\Get-VM -Id ([guid][string]$Given.id)
$disks = @(foreach ($snapshot in @(Hyper-V\Get-VMSnapshot -VM $vm)) {
  foreach ($drive in @(Hyper-V\Get-VMHardDiskDrive -VMSnapshot $snapshot)) {
    @{ snapshot = $snapshot.Id.ToString(); path = [string]$drive.Path }
  }
})
@{ disks = $disks }
`,
  () => v.object({ disks: v.array(v.object({ snapshot: v.string(), path: v.string() })) }),
);

/** Connects a disk on the SCSI controller, at a place that is named or at the next free one. */
export const plug = once<
  Own & { readonly path: string; readonly number: number; readonly location: number }
>()(
  { name: 'plug', doing: 'connecting a data disk' },
  String.raw`
# outrigger command: plug
param($Given)
$vm = Get-Own $Given
foreach ($drive in @(Hyper-V\Get-VMHardDiskDrive -VM $vm)) {
  if ([string]$drive.Path -eq [string]$Given.path) { throw 'OutriggerPlugged' }
}
if ([int]$Given.location -lt 0) {
  $new = Hyper-V\Add-VMHardDiskDrive -VM $vm -ControllerType SCSI -Path ([string]$Given.path) -Passthru
} else {
  $new = Hyper-V\Add-VMHardDiskDrive -VM $vm -ControllerType SCSI -ControllerNumber ([int]$Given.number) -ControllerLocation ([int]$Given.location) -Path ([string]$Given.path) -Passthru
}
@{ number = [int]$new.ControllerNumber; location = [int]$new.ControllerLocation }
`,
  () => v.object({ number: v.number(), location: v.number() }),
);

/** Takes a disk out of the machine and leaves its file; does nothing for one that is out. */
export const unplug = command<Own & { readonly path: string }>()(
  { name: 'unplug', doing: 'disconnecting a data disk' },
  String.raw`
# outrigger command: unplug
param($Given)
$vm = Get-Own $Given
foreach ($drive in @(Hyper-V\Get-VMHardDiskDrive -VM $vm)) {
  if ([string]$drive.Path -eq [string]$Given.path) { Hyper-V\Remove-VMHardDiskDrive -VMHardDiskDrive $drive }
}
@{ done = $true }
`,
  () => v.object({ done: v.boolean() }),
);
