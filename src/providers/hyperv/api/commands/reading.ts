import * as v from 'valibot';
import { command, type Json } from '../command.ts';
import { machineSchema, machinesSchema } from '../wire.ts';

/* The commands with which every action reads the host. */

/** All machines with what tells whose they are, and whether these can be all. */
export const machines = command<Json>()(
  { name: 'machines', doing: 'listing the virtual machines' },
  String.raw`
# outrigger command: machines
param($Given)
$who = [Security.Principal.WindowsIdentity]::GetCurrent()
$roles = [Security.Principal.WindowsPrincipal]::new($who)
$sees = $false
foreach ($sid in @('S-1-5-32-544', 'S-1-5-32-578')) {
  if ($roles.IsInRole([Security.Principal.SecurityIdentifier]::new($sid))) { $sees = $true }
}
$machines = @(foreach ($vm in @(Hyper-V\Get-VM)) {
  @{
    id = $vm.Id.ToString()
    name = [string]$vm.Name
    state = $vm.State.ToString()
    notes = [string]$vm.Notes
    path = [string]$vm.Path
    clustered = [bool]$vm.IsClustered
    replication = [string]$vm.ReplicationMode
  }
})
$cluster = @{ member = $false; known = $true; elsewhere = @() }
try {
  $cluster.member = [bool](Microsoft.PowerShell.Management\Test-Path -LiteralPath 'HKLM:\Cluster')
} catch {
  $cluster.member = $true
}
if ($cluster.member) {
  try {
    $cluster.elsewhere = @(foreach ($group in @(FailoverClusters\Get-ClusterGroup)) {
      $node = [string]$group.OwnerNode.Name
      if ($group.GroupType.ToString() -eq 'VirtualMachine' -and $node -ne [Environment]::MachineName) {
        @{ name = [string]$group.Name; node = $node }
      }
    })
  } catch {
    $cluster.known = $false
  }
}
@{
  account = [string]$who.Name
  host = [Environment]::MachineName
  sees = $sees
  machines = $machines
  cluster = $cluster
}
`,
  machinesSchema,
);

/** Everything about one machine that decides what may be done with it. */
export const machine = command<{ readonly id: string }>()(
  { name: 'machine', doing: 'reading the virtual machine' },
  String.raw`
# outrigger command: machine
param($Given)
$vm = Hyper-V\Get-VM -Id ([guid][string]$Given.id)
$adapters = @(foreach ($nic in @(Hyper-V\Get-VMNetworkAdapter -VM $vm)) {
  $vlan = @(Hyper-V\Get-VMNetworkAdapterVlan -VMNetworkAdapter $nic)[0]
  @{
    id = [string]$nic.Id
    name = [string]$nic.Name
    mac = [string]$nic.MacAddress
    dynamic = [bool]$nic.DynamicMacAddressEnabled
    switch = [string]$nic.SwitchName
    mode = $vlan.OperationMode.ToString()
    vlan = [int]$vlan.AccessVlanId
    addresses = @(foreach ($address in @($nic.IPAddresses)) { [string]$address })
  }
})
$disks = @(foreach ($drive in @(Hyper-V\Get-VMHardDiskDrive -VM $vm)) {
  @{
    path = [string]$drive.Path
    controller = $drive.ControllerType.ToString()
    number = [int]$drive.ControllerNumber
    location = [int]$drive.ControllerLocation
  }
})
$points = @(Hyper-V\Get-VMSnapshot -VM $vm)
$kept = @(if ($points.Count -gt 0) { foreach ($drive in @($points | Hyper-V\Get-VMHardDiskDrive)) { [string]$drive.Path } })
$snapshots = @(foreach ($snapshot in $points) {
  @{
    id = $snapshot.Id.ToString()
    name = [string]$snapshot.Name
    created = $snapshot.CreationTime.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture)
    state = $snapshot.State.ToString()
    type = $snapshot.SnapshotType.ToString()
  }
})
$memory = Hyper-V\Get-VMMemory -VM $vm
$processor = Hyper-V\Get-VMProcessor -VM $vm
@{
  id = $vm.Id.ToString()
  state = $vm.State.ToString()
  notes = [string]$vm.Notes
  generation = [int]$vm.Generation
  path = [string]$vm.Path
  busy = @(foreach ($status in @($vm.OperationalStatus)) { $status.ToString() })
  cpus = [int]$processor.Count
  memory = [int64]$memory.Startup
  minimum = $(if ($memory.DynamicMemoryEnabled) { [int64]$memory.Minimum } else { [int64]0 })
  adapters = $adapters
  disks = $disks
  media = @(foreach ($drive in @(Hyper-V\Get-VMDvdDrive -VM $vm)) { [string]$drive.Path })
  checkpointDisks = $kept
  snapshots = $snapshots
}
`,
  machineSchema,
);

/** The state of one machine; nothing for one that is not in the list that the account is shown. */
export const state = command<{ readonly id: string }>()(
  { name: 'state', doing: 'reading its state' },
  String.raw`
# outrigger command: state
param($Given)
$id = [guid][string]$Given.id
$state = ''
try {
  $state = (Hyper-V\Get-VM -Id $id).State.ToString()
} catch {
  # The error may mean anything; only the list of all machines shows that this one is not there.
  foreach ($vm in @(Hyper-V\Get-VM)) {
    if ($vm.Id -eq $id) { $state = $vm.State.ToString() }
  }
}
@{ state = $state }
`,
  () => v.object({ state: v.string() }),
);
