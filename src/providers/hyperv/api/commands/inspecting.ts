import * as v from 'valibot';
import { command } from '../command.ts';
import { inspectSchema, inventorySchema, resourcesSchema, texts } from '../wire.ts';

/* The commands that read the host only for doctor, audit and new disks. */

/** Reads the facts about the host that doctor checks; changes nothing. */
export const inspect = command<{ readonly paths: readonly string[] }>()(
  { name: 'inspect', doing: 'inspecting the host' },
  String.raw`
# outrigger command: inspect
param($Given)
$module = @(Microsoft.PowerShell.Core\Get-Module -ListAvailable -Name 'Hyper-V')
$paths = @(foreach ($path in @($Given.paths)) {
  $found = $false
  $trouble = ''
  $free = $null
  try {
    $found = [bool](Microsoft.PowerShell.Management\Get-Item -LiteralPath ([string]$path)).PSIsContainer
    $free = Get-FreeBytes $path
  } catch {
    $trouble = $_.CategoryInfo.Category.ToString()
  }
  @{ path = [string]$path; found = $found; trouble = $trouble; freeBytes = $free }
})
$switches = @()
$switchTrouble = ''
try {
  $switches = @(foreach ($one in @(Hyper-V\Get-VMSwitch)) { [string]$one.Name })
} catch {
  $switchTrouble = [string]$_.FullyQualifiedErrorId
}
@{
  version = $PSVersionTable.PSVersion.ToString()
  system = [Environment]::OSVersion.Version.ToString()
  module = $(if ($module.Count -gt 0) { $module[0].Version.ToString() } else { '' })
  paths = $paths
  switches = $switches
  switchTrouble = $switchTrouble
}
`,
  inspectSchema,
);

/** Reads what a new machine needs of the host, and which machines use its template disk. */
export const resources = command<{
  readonly folder: string;
  readonly template: string;
  readonly iso: string;
}>()(
  { name: 'resources', doing: 'looking for space, template and switches' },
  String.raw`
# outrigger command: resources
param($Given)
$system = CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem
$template = $null
$users = @()
if ([string]$Given.template -ne '') {
  $path = [string]$Given.template
  if (Microsoft.PowerShell.Management\Test-Path -LiteralPath $path -PathType Leaf) {
    $vhd = Hyper-V\Get-VHD -Path $path
    $template = @{ size = [int64]$vhd.Size; fileSize = [int64]$vhd.FileSize; type = $vhd.VhdType.ToString() }
    $all = @(Hyper-V\Get-VM)
    $drives = @()
    if ($all.Count -gt 0) {
      $drives += @(Hyper-V\Get-VMHardDiskDrive -VM $all)
      foreach ($snapshot in @(Hyper-V\Get-VMSnapshot -VM $all)) {
        $drives += @(Hyper-V\Get-VMHardDiskDrive -VMSnapshot $snapshot)
      }
    }
    $users = @(foreach ($drive in $drives) { if ([string]$drive.Path -eq $path) { [string]$drive.VMName } })
  }
}
@{
  folder = [bool](Microsoft.PowerShell.Management\Test-Path -LiteralPath ([string]$Given.folder) -PathType Container)
  freeBytes = Get-FreeBytes $Given.folder
  freeMemory = [int64]$system.FreePhysicalMemory * 1024
  switches = @(foreach ($one in @(Hyper-V\Get-VMSwitch)) { [string]$one.Name })
  template = $template
  users = $users
  iso = ([string]$Given.iso -eq '' -or [bool](Microsoft.PowerShell.Management\Test-Path -LiteralPath ([string]$Given.iso) -PathType Leaf))
}
`,
  resourcesSchema,
);

/** Which of the disks another machine uses, itself or as the parent of its own. */
export const users = command<{ readonly id: string; readonly paths: readonly string[] }>()(
  { name: 'users', doing: 'looking for other users of its disks' },
  String.raw`
# outrigger command: users
param($Given)
$drives = @()
foreach ($vm in @(Hyper-V\Get-VM)) {
  if ($vm.Id -ne [guid][string]$Given.id) {
    $drives += @(Hyper-V\Get-VMHardDiskDrive -VM $vm)
    foreach ($snapshot in @(Hyper-V\Get-VMSnapshot -VM $vm)) {
      $drives += @(Hyper-V\Get-VMHardDiskDrive -VMSnapshot $snapshot)
    }
  }
}
$used = @()
foreach ($drive in $drives) {
  $path = [string]$drive.Path
  for ($depth = 0; $depth -lt 32 -and $path -ne ''; $depth++) {
    if (@($Given.paths) -contains $path) { $used += $path }
    try { $path = [string](Hyper-V\Get-VHD -Path $path).ParentPath } catch { $path = '' }
  }
}
@{ used = @($used) }
`,
  () => v.object({ used: texts() }),
);

/** Reads the hardware of every machine, to compare it with the planned one, and all disk files. */
export const inventory = command<{ readonly folder: string }>()(
  { name: 'inventory', doing: 'reading all virtual machines' },
  String.raw`
# outrigger command: inventory
param($Given)
try {
  $files = @([IO.Directory]::GetFiles([string]$Given.folder, '*.vhd*'))
} catch [IO.DirectoryNotFoundException] {
  $files = @()
}
@{
  files = @(foreach ($file in $files) { [string]$file })
  machines = @(foreach ($vm in @(Hyper-V\Get-VM)) {
    @{
      id = $vm.Id.ToString()
      cpus = [int]$vm.ProcessorCount
      memory = [int64]$vm.MemoryStartup
      adapters = @(foreach ($nic in @(Hyper-V\Get-VMNetworkAdapter -VM $vm)) {
        $vlan = @(Hyper-V\Get-VMNetworkAdapterVlan -VMNetworkAdapter $nic)[0]
        @{ mac = [string]$nic.MacAddress; mode = $vlan.OperationMode.ToString(); vlan = [int]$vlan.AccessVlanId }
      })
      disks = @(foreach ($drive in @(Hyper-V\Get-VMHardDiskDrive -VM $vm)) { [string]$drive.Path })
    }
  })
}
`,
  inventorySchema,
);
