import * as v from 'valibot';
import {
  anything,
  command,
  type Own,
  once,
  type PowerCommand,
  type WantedAdapter,
} from '../command.ts';

/* The commands that change an existing machine. */

/** Waits a while until no other process works on the instance, and keeps them away from now on. */
export const lock = command<{ readonly uuid: string; readonly forMs: number }>()(
  { name: 'lock', doing: 'waiting for another action on the instance' },
  String.raw`
# outrigger command: lock
param($Given)
$name = 'Global\outrigger-' + ([guid][string]$Given.uuid).ToString()
if (-not $held.ContainsKey($name)) { $held[$name] = [Threading.Mutex]::new($false, $name) }
try {
  $got = $held[$name].WaitOne([int]$Given.forMs)
} catch [Threading.AbandonedMutexException] {
  $got = $true
}
@{ got = [bool]$got }
`,
  () => v.object({ got: v.boolean() }),
);

/** Writes the notes of a machine, in which its mark stands; an unmarked one must still be that. */
export const notes = command<Own & { readonly unmarked: boolean; readonly notes: string }>()(
  { name: 'notes', doing: 'writing its mark' },
  String.raw`
# outrigger command: notes
param($Given)
$vm = Get-Own $Given
if ($Given.unmarked -and ([string]$vm.Notes).Contains('[outrigger:')) { throw 'OutriggerNotOwn' }
Hyper-V\Set-VM -VM $vm -Notes ([string]$Given.notes)
@{ written = $true }
`,
  anything,
);

/** Size and policies; the machine has to be off for most of it. */
export const shape = command<
  Own & {
    readonly cpus: number;
    readonly memory: number;
    readonly minimum: number;
    readonly startAction: string;
    readonly stopAction: string;
    readonly checkpointType: string;
  }
>()(
  { name: 'shape', doing: 'setting its size' },
  String.raw`
# outrigger command: shape
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
`,
  anything,
);

/** Brings the network adapters to what is wanted, in place wherever there is one to change. */
export const wire = once<
  Own & { readonly remove: readonly string[]; readonly adapters: readonly WantedAdapter[] }
>()(
  { name: 'wire', doing: 'setting its network adapters' },
  String.raw`
# outrigger command: wire
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
`,
  anything,
);

/** One order about a machine's power; asking the guest returns at once. */
export const power = command<Own & { readonly order: PowerCommand }>()(
  { name: 'power', doing: 'changing its power' },
  String.raw`
# outrigger command: power
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
    $asked = $null
    try {
      $filter = 'SystemName = ''' + $vm.Id.ToString() + ''''
      foreach ($part in @(CimCmdlets\Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName 'Msvm_ShutdownComponent' -Filter $filter)) {
        $result = CimCmdlets\Invoke-CimMethod -InputObject $part -MethodName 'InitiateShutdown' -Arguments @{ Force = $true; Reason = 'Requested by CloudStack' }
        $asked = [int64]$result.ReturnValue -eq 0
      }
    } catch {
      $asked = $null
    }
    if ($null -eq $asked) {
      # WMI refuses a network logon that is no administrator; the cmdlet asks the same guest, and waits for it.
      $job = Hyper-V\Stop-VM -VM $vm -Force -AsJob
      [void](Microsoft.PowerShell.Core\Wait-Job -Job $job -Timeout 1)
      $asked = $job.State.ToString() -ne 'Failed'
    }
  }
  default { throw 'OutriggerUnknownOrder' }
}
@{ asked = $asked }
`,
  () => v.object({ asked: v.boolean() }),
);

/** Puts an ISO image into the drive, or takes it out; the drive with the guest's data stays. */
export const media = command<Own & { readonly iso: string; readonly seed: string }>()(
  { name: 'media', doing: 'changing the ISO image in its drive' },
  String.raw`
# outrigger command: media
param($Given)
$vm = Get-Own $Given
$drives = @(foreach ($drive in @(Hyper-V\Get-VMDvdDrive -VM $vm)) {
  if ([string]$drive.Path -eq '' -or [string]$drive.Path -ne [string]$Given.seed) { $drive }
})
if ([string]$Given.iso -eq '') {
  foreach ($drive in $drives) { Hyper-V\Set-VMDvdDrive -VMDvdDrive $drive -Path $null }
} elseif ($drives.Count -eq 0) {
  Hyper-V\Add-VMDvdDrive -VM $vm -Path ([string]$Given.iso)
} else {
  Hyper-V\Set-VMDvdDrive -VMDvdDrive $drives[0] -Path ([string]$Given.iso)
}
@{ done = $true }
`,
  anything,
);

/** Makes, applies or removes one checkpoint; without an id removes them all. */
export const checkpoint = command<
  Own & {
    readonly order: 'create' | 'restore' | 'remove';
    readonly snapshot: string;
    readonly name: string;
    readonly type: string;
  }
>()(
  { name: 'checkpoint', doing: 'working on its checkpoints' },
  String.raw`
# outrigger command: checkpoint
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
`,
  anything,
);
