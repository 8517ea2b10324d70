/** What doctor wants to know of the host; nothing is changed. */
export const inspect = String.raw`
# outrigger step: inspect
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
`.trim();
