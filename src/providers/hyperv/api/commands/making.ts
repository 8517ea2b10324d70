import * as v from 'valibot';
import { anything, command, type Own, once } from '../command.ts';

/* The commands that make machines and disks. */

/**
 * A machine without disks, marked at once. Its id is only known now, so it takes the place that
 * the mark keeps for it.
 */
export const make = once<{
  readonly name: string;
  readonly generation: number;
  readonly memory: number;
  readonly path: string;
  readonly notes: string;
  readonly blank: string;
}>()(
  { name: 'make', doing: 'making the virtual machine' },
  String.raw`
# outrigger command: make
param($Given)
$vm = Hyper-V\New-VM -Name ([string]$Given.name) -Generation ([int]$Given.generation) -MemoryStartupBytes ([int64]$Given.memory) -Path ([string]$Given.path) -NoVHD
try {
  $id = $vm.Id.ToString()
  Hyper-V\Set-VM -VM $vm -Notes ([string]$Given.notes).Replace([string]$Given.blank, $id)
} catch {
  Hyper-V\Remove-VM -VM $vm -Force
  throw
}
@{ id = $id }
`,
  () => v.object({ id: v.pipe(v.string(), v.uuid(), v.toLowerCase()) }),
);

/** Copies for as long as it is told and says how far it came; the next call goes on from there. */
export const copy = once<{ readonly from: string; readonly to: string; readonly forMs: number }>()(
  { name: 'copy', doing: 'copying the template' },
  `
# outrigger command: copy
param($Given)
if (-not $held.ContainsKey('copy')) {
  $from = [IO.FileStream]::new([string]$Given.from, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]::Read)
  try {
    $to = [IO.FileStream]::new([string]$Given.to, [IO.FileMode]::CreateNew, [IO.FileAccess]::Write, [IO.FileShare]::None)
  } catch {
    $from.Dispose()
    throw
  }
  $held['copy'] = @{ from = $from; to = $to; bytes = [int64]0; total = [int64]$from.Length }
}
$job = $held['copy']
$buffer = [byte[]]::new(4194304)
$watch = [Diagnostics.Stopwatch]::StartNew()
$done = $false
try {
  while (-not $done -and $watch.ElapsedMilliseconds -lt [int64]$Given.forMs) {
    $count = $job.from.Read($buffer, 0, $buffer.Length)
    if ($count -eq 0) { $done = $true } else { $job.to.Write($buffer, 0, $count) }
    $job.bytes += $count
  }
  if ($done) { $job.to.Flush($true) }
} catch {
  $job.from.Dispose()
  $job.to.Dispose()
  $held.Remove('copy')
  throw
}
if ($done) {
  $job.from.Dispose()
  $job.to.Dispose()
  $held.Remove('copy')
}
@{ done = $done; bytes = $job.bytes; total = $job.total }
`,
  () => v.object({ done: v.boolean(), bytes: v.number(), total: v.number() }),
);

/** An empty disk, or one that holds only what differs from its parent. */
export const disk = once<{
  readonly path: string;
  readonly parent: string;
  readonly bytes: number;
}>()(
  { name: 'disk', doing: 'making its disk' },
  String.raw`
# outrigger command: disk
param($Given)
if ([string]$Given.parent -ne '') {
  $vhd = Hyper-V\New-VHD -Path ([string]$Given.path) -ParentPath ([string]$Given.parent) -Differencing
} else {
  $vhd = Hyper-V\New-VHD -Path ([string]$Given.path) -SizeBytes ([int64]$Given.bytes) -Dynamic
}
@{ size = [int64]$vhd.Size }
`,
  () => v.object({ size: v.number() }),
);

/** Makes a disk larger, never smaller; answers its size. */
export const grow = command<{ readonly path: string; readonly bytes: number }>()(
  { name: 'grow', doing: 'making its disk larger' },
  String.raw`
# outrigger command: grow
param($Given)
$path = [string]$Given.path
$before = [int64](Hyper-V\Get-VHD -Path $path).Size
if ($before -lt [int64]$Given.bytes) { Hyper-V\Resize-VHD -Path $path -SizeBytes ([int64]$Given.bytes) }
@{ before = $before; size = [int64](Hyper-V\Get-VHD -Path $path).Size }
`,
  () => v.object({ before: v.number(), size: v.number() }),
);

/** Connects the disk, and the ISO image behind it: an empty disk leads to the image. */
export const attach = once<
  Own & { readonly disk: string; readonly iso: string; readonly secure: string }
>()(
  { name: 'attach', doing: 'connecting its disk' },
  String.raw`
# outrigger command: attach
param($Given)
$vm = Get-Own $Given
$second = [int]$vm.Generation -eq 2
if ($second) {
  $disk = Hyper-V\Add-VMHardDiskDrive -VM $vm -ControllerType SCSI -Path ([string]$Given.disk) -Passthru
} else {
  $disk = Hyper-V\Add-VMHardDiskDrive -VM $vm -ControllerType IDE -ControllerNumber 0 -ControllerLocation 0 -Path ([string]$Given.disk) -Passthru
}
$order = @($disk)
if ([string]$Given.iso -ne '') {
  $dvd = @(Hyper-V\Get-VMDvdDrive -VM $vm)
  if ($dvd.Count -eq 0) {
    $order += Hyper-V\Add-VMDvdDrive -VM $vm -Path ([string]$Given.iso) -Passthru
  } else {
    Hyper-V\Set-VMDvdDrive -VMDvdDrive $dvd[0] -Path ([string]$Given.iso)
    $order += $dvd[0]
  }
}
if ($second) {
  Hyper-V\Set-VMFirmware -VM $vm -BootOrder $order
  if ([string]$Given.secure -eq '') {
    Hyper-V\Set-VMFirmware -VM $vm -EnableSecureBoot Off
  } else {
    Hyper-V\Set-VMFirmware -VM $vm -EnableSecureBoot On -SecureBootTemplate ([string]$Given.secure)
  }
} else {
  Hyper-V\Set-VMBios -VM $vm -StartupOrder @('IDE', 'CD', 'LegacyNetworkAdapter', 'Floppy')
}
@{ attached = $true }
`,
  anything,
);

/** Puts another disk in the place of the one that is there, unless it is there already. */
export const exchange = command<Own & { readonly from: string; readonly to: string }>()(
  { name: 'exchange', doing: 'exchanging its disk' },
  String.raw`
# outrigger command: exchange
param($Given)
$vm = Get-Own $Given
$done = $false
foreach ($drive in @(Hyper-V\Get-VMHardDiskDrive -VM $vm)) {
  if ([string]$drive.Path -eq [string]$Given.from) {
    Hyper-V\Set-VMHardDiskDrive -VMHardDiskDrive $drive -Path ([string]$Given.to)
    $done = $true
  } elseif ([string]$drive.Path -eq [string]$Given.to) {
    $done = $true
  }
}
@{ done = $done }
`,
  () => v.object({ done: v.boolean() }),
);
