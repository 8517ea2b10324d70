import { command } from '../command.ts';
import { inspectSchema, resourcesSchema } from '../wire.ts';

/* The commands that read the host only for doctor and new disks. */

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
$memory = $null
try {
  # Not from WMI, which refuses a network logon that is no administrator.
  foreach ($node in @(Hyper-V\Get-VMHostNumaNode)) { $memory = [int64]$memory + [int64]$node.MemoryAvailable * 1048576 }
} catch {
  $memory = $null
}
$template = $null
$users = @()
if ([string]$Given.template -ne '') {
  $path = [string]$Given.template
  if (Microsoft.PowerShell.Management\Test-Path -LiteralPath $path -PathType Leaf) {
    $vhd = Hyper-V\Get-VHD -Path $path
    $template = @{ size = [int64]$vhd.Size; fileSize = [int64]$vhd.FileSize; type = $vhd.VhdType.ToString() }
    $users = @(foreach ($drive in @(Get-AllDrives)) { if ([string]$drive.Path -eq $path) { [string]$drive.VMName } })
  }
}
@{
  folder = [bool](Microsoft.PowerShell.Management\Test-Path -LiteralPath ([string]$Given.folder) -PathType Container)
  freeBytes = Get-FreeBytes $Given.folder
  freeMemory = $memory
  switches = @(foreach ($one in @(Hyper-V\Get-VMSwitch)) { [string]$one.Name })
  template = $template
  users = $users
  iso = ([string]$Given.iso -eq '' -or [bool](Microsoft.PowerShell.Management\Test-Path -LiteralPath ([string]$Given.iso) -PathType Leaf))
}
`,
  resourcesSchema,
);
