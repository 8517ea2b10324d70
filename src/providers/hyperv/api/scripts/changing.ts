/** Writes the notes of a machine, in which its mark stands. */
export const notes = String.raw`
# outrigger step: notes
param($Given)
$vm = Get-Own $Given
Hyper-V\Set-VM -VM $vm -Notes ([string]$Given.notes)
@{ written = $true }
`.trim();

/** Size and policies; the machine has to be off for most of it. */
export const shape = String.raw`
# outrigger step: shape
param($Given)
$vm = Get-Own $Given
$memory = [int64]$Given.memory
Hyper-V\Set-VMProcessor -VM $vm -Count ([int]$Given.cpus)
if ([int64]$Given.minimum -eq 0) {
  Hyper-V\Set-VMMemory -VM $vm -DynamicMemoryEnabled $false -StartupBytes $memory
} else {
  Hyper-V\Set-VMMemory -VM $vm -DynamicMemoryEnabled $true -MinimumBytes ([int64]$Given.minimum) -StartupBytes $memory -MaximumBytes $memory
}
Hyper-V\Set-VM -VM $vm -AutomaticStartAction ([string]$Given.startAction) -AutomaticStopAction ([string]$Given.stopAction) -CheckpointType ([string]$Given.checkpointType)
if ((Microsoft.PowerShell.Core\Get-Command -Name 'Hyper-V\Set-VM').Parameters.ContainsKey('AutomaticCheckpointsEnabled')) {
  Hyper-V\Set-VM -VM $vm -AutomaticCheckpointsEnabled $false
}
@{ shaped = $true }
`.trim();

/** Brings the network adapters to what is wanted, in place wherever there is one to change. */
export const wire = String.raw`
# outrigger step: wire
param($Given)
$vm = Get-Own $Given
$there = @(Hyper-V\Get-VMNetworkAdapter -VM $vm)
foreach ($nic in $there) {
  if (@($Given.remove) -contains [string]$nic.Id) { Hyper-V\Remove-VMNetworkAdapter -VMNetworkAdapter $nic }
}
foreach ($want in @($Given.adapters)) {
  $nic = $null
  foreach ($one in $there) {
    if ([string]$one.Id -eq [string]$want.id) { $nic = $one }
  }
  if ($null -eq $nic) {
    $nic = Hyper-V\Add-VMNetworkAdapter -VM $vm -Name ([string]$want.name) -SwitchName ([string]$want.switch) -StaticMacAddress ([string]$want.mac) -Passthru
  } else {
    Hyper-V\Set-VMNetworkAdapter -VMNetworkAdapter $nic -StaticMacAddress ([string]$want.mac)
    Hyper-V\Connect-VMNetworkAdapter -VMNetworkAdapter $nic -SwitchName ([string]$want.switch)
  }
  if ([int]$want.vlan -eq 0) {
    Hyper-V\Set-VMNetworkAdapterVlan -VMNetworkAdapter $nic -Untagged
  } else {
    Hyper-V\Set-VMNetworkAdapterVlan -VMNetworkAdapter $nic -Access -VlanId ([int]$want.vlan)
  }
}
@{ wired = $true }
`.trim();

/** One order about a machine's power; asking the guest returns at once. */
export const power = String.raw`
# outrigger step: power
param($Given)
$vm = Get-Own $Given
$asked = $true
switch ([string]$Given.order) {
  'start' { Hyper-V\Start-VM -VM $vm }
  'cut' { Hyper-V\Stop-VM -VM $vm -TurnOff -Force }
  'reset' { Hyper-V\Restart-VM -VM $vm -Force }
  'pause' { Hyper-V\Suspend-VM -VM $vm }
  'resume' { Hyper-V\Resume-VM -VM $vm }
  'forget' { Hyper-V\Remove-VMSavedState -VM $vm }
  'ask' {
    $asked = $false
    $parts = @(CimCmdlets\Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_ShutdownComponent')
    foreach ($part in $parts) {
      if ([string]$part.SystemName -eq $vm.Id.ToString()) {
        $result = CimCmdlets\Invoke-CimMethod -InputObject $part -MethodName 'InitiateShutdown' -Arguments @{ Force = $true; Reason = 'Requested by CloudStack' }
        $asked = [int64]$result.ReturnValue -eq 0
      }
    }
  }
  default { throw 'OutriggerUnknownOrder' }
}
@{ asked = $asked }
`.trim();

/** Puts an ISO image into the drive, or takes it out. */
export const media = String.raw`
# outrigger step: media
param($Given)
$vm = Get-Own $Given
$drives = @(Hyper-V\Get-VMDvdDrive -VM $vm)
if ([string]$Given.iso -eq '') {
  foreach ($drive in $drives) { Hyper-V\Set-VMDvdDrive -VMDvdDrive $drive -Path $null }
} elseif ($drives.Count -eq 0) {
  Hyper-V\Add-VMDvdDrive -VM $vm -Path ([string]$Given.iso)
} else {
  Hyper-V\Set-VMDvdDrive -VMDvdDrive $drives[0] -Path ([string]$Given.iso)
}
@{ done = $true }
`.trim();

/** Makes, applies or removes one checkpoint; without an id removes them all. */
export const checkpoint = String.raw`
# outrigger step: checkpoint
param($Given)
$vm = Get-Own $Given
$order = [string]$Given.order
if ($order -eq 'create') {
  $usual = $vm.CheckpointType
  Hyper-V\Set-VM -VM $vm -CheckpointType ([string]$Given.type)
  try {
    Hyper-V\Checkpoint-VM -VM $vm -SnapshotName ([string]$Given.name)
  } finally {
    Hyper-V\Set-VM -VM $vm -CheckpointType $usual
  }
} else {
  foreach ($snapshot in @(Hyper-V\Get-VMSnapshot -VM $vm)) {
    $meant = $snapshot.Id.ToString() -eq [string]$Given.snapshot
    if ($order -eq 'restore' -and $meant) { Hyper-V\Restore-VMSnapshot -VMSnapshot $snapshot -Confirm:$false }
    if ($order -eq 'remove' -and ($meant -or [string]$Given.snapshot -eq '')) { Hyper-V\Remove-VMSnapshot -VMSnapshot $snapshot }
  }
}
@{ done = $true }
`.trim();

/** Waits a while until no other process works on the instance, and keeps them away from now on. */
export const lock = String.raw`
# outrigger step: lock
param($Given)
$name = 'Global\outrigger-' + ([guid][string]$Given.uuid).ToString()
if (-not $held.ContainsKey($name)) { $held[$name] = [Threading.Mutex]::new($false, $name) }
try {
  $got = $held[$name].WaitOne([int]$Given.forMs)
} catch [Threading.AbandonedMutexException] {
  $got = $true
}
@{ got = [bool]$got }
`.trim();
