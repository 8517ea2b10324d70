import * as v from 'valibot';
import { command } from '../command.ts';
import { inventorySchema, texts, usersSchema } from '../wire.ts';

/*
 * The commands that look at all machines of the host, each with a few questions about all of them and
 * none about each.
 */

/**
 * Which of the disks another machine uses, itself or as the parent of its own, which of them are there,
 * and which disks of machines could not be read: each of those may build on any. Chains are followed only
 * where one of the disks is there, or where `all` of the host's are to be read.
 */
export const users = command<{
  readonly id: string;
  readonly paths: readonly string[];
  readonly all: boolean;
}>()(
  { name: 'users', doing: 'looking for other users of its disks' },
  String.raw`
# outrigger command: users
param($Given)
$drives = @(Get-AllDrives ([guid][string]$Given.id))
$next = @(foreach ($drive in $drives) {
  # A whole physical disk has a number, and builds on no file.
  if ($null -eq $drive.DiskNumber) { @{ path = [string]$drive.Path; vm = [string]$drive.VMName; id = $drive.VMId.ToString() } }
})
$used = @(foreach ($one in $next) { if (@($Given.paths) -contains $one.path) { $one } })
$there = @(foreach ($path in @($Given.paths)) { if (-not (Test-Gone $path)) { [string]$path } })
if ($there.Count -eq 0 -and -not [bool]$Given.all) { $next = @() }
$unread = @()
$seen = @{}
while ($next.Count -gt 0) {
  $level = @(foreach ($one in $next) {
    if ($one.path -ne '' -and -not $seen.ContainsKey($one.path)) {
      $seen[$one.path] = $true
      $one
    }
  })
  $parents = @{}
  try {
    $paths = @(foreach ($one in $level) { $one.path })
    $read = @(if ($paths.Count -gt 0) { Hyper-V\Get-VHD -Path $paths -ErrorAction SilentlyContinue })
    foreach ($vhd in $read) { $parents[[string]$vhd.Path] = [string]$vhd.ParentPath }
  } catch {
    $parents = @{}
  }
  $next = @(foreach ($one in $level) {
    $parent = ''
    if ($parents.ContainsKey($one.path)) {
      $parent = $parents[$one.path]
    } else {
      # Asked for by itself, it tells why it cannot be read.
      try {
        $parent = [string](Hyper-V\Get-VHD -Path $one.path).ParentPath
      } catch {
        $why = $_.CategoryInfo.Category.ToString()
        if (-not (Test-Gone $one.path)) { $unread += @{ path = $one.path; vm = $one.vm; id = $one.id; why = $why } }
      }
    }
    if (@($Given.paths) -contains $parent) { $used += @{ path = $parent; vm = $one.vm; id = $one.id } }
    if ($parent -ne '') { @{ path = $parent; vm = $one.vm; id = $one.id } }
  })
}
@{ used = @($used); unread = @($unread); there = @($there) }
`,
  usersSchema,
);

/**
 * Reads the hardware of every machine, to compare it with the planned one, and all disk files; `null`
 * for the files where their folder cannot be read.
 */
export const inventory = command<{ readonly folder: string }>()(
  { name: 'inventory', doing: 'reading all virtual machines' },
  String.raw`
# outrigger command: inventory
param($Given)
try {
  $files = @(foreach ($file in @([IO.Directory]::GetFiles([string]$Given.folder, '*.vhd*'))) { [string]$file })
} catch {
  $files = $null
}
$all = @(Hyper-V\Get-VM)
$nics = @(if ($all.Count -gt 0) { Hyper-V\Get-VMNetworkAdapter -VM $all })
$drives = @(if ($all.Count -gt 0) { Hyper-V\Get-VMHardDiskDrive -VM $all })
$vlans = @{}
foreach ($vlan in @(if ($nics.Count -gt 0) { Hyper-V\Get-VMNetworkAdapterVlan -VMNetworkAdapter $nics })) {
  $vlans[[string]$vlan.ParentAdapter.Id] = $vlan
}
$adapters = @{}
foreach ($nic in $nics) {
  $vlan = $vlans[[string]$nic.Id]
  $adapters[$nic.VMId] = @($adapters[$nic.VMId]) + @{ mac = [string]$nic.MacAddress; mode = $vlan.OperationMode.ToString(); vlan = [int]$vlan.AccessVlanId }
}
$disks = @{}
foreach ($drive in $drives) { $disks[$drive.VMId] = @($disks[$drive.VMId]) + [string]$drive.Path }
@{
  files = $files
  machines = @(foreach ($vm in $all) {
    @{
      id = $vm.Id.ToString()
      cpus = [int]$vm.ProcessorCount
      memory = [int64]$vm.MemoryStartup
      adapters = @(foreach ($one in @($adapters[$vm.Id])) { if ($null -ne $one) { $one } })
      disks = @(foreach ($one in @($disks[$vm.Id])) { if ($null -ne $one) { $one } })
    }
  })
}
`,
  inventorySchema,
);

/** The files of one disk: itself, the checkpoints' files below it, and the disk that those began with. */
export const chain = command<{ readonly path: string }>()(
  { name: 'chain', doing: 'reading the files of its disk' },
  String.raw`
# outrigger command: chain
param($Given)
$files = @()
$path = [string]$Given.path
while ($path -match '\.avhdx?$' -and -not ($files -contains $path)) {
  $files += $path
  $path = [string](Hyper-V\Get-VHD -Path $path).ParentPath
}
if ($path -ne '' -and -not ($files -contains $path)) { $files += $path }
@{ files = @($files) }
`,
  () => v.object({ files: texts() }),
);
