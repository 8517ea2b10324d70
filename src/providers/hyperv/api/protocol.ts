/*
 * The program on the Hyper-V host: Windows PowerShell 5.1, started once per action, which reads
 * questions from its standard input and answers each with one line. Every text here is constant and
 * plain; what an action is about travels beside it as JSON and is never part of a script.
 */

/** Ends the first script on standard input. */
export const go = '#go';

/** Begins every answer: its number and base64 of JSON follow. */
export const answerWord = 'outrigger-answer';

/** The output instead of an answer where PowerShell may not do what the scripts need. */
export const modeWord = 'outrigger-mode';

export const program = 'powershell.exe';

/**
 * The command line: reads the conversation script and runs it. Without a character that means
 * something to cmd.exe between double quotes.
 */
export const programArguments: readonly string[] = [
  '-NoLogo',
  '-NoProfile',
  '-NonInteractive',
  '-ExecutionPolicy',
  'RemoteSigned',
  '-InputFormat',
  'None',
  '-OutputFormat',
  'Text',
  '-Command',
  [
    '"$mode = $ExecutionContext.SessionState.LanguageMode;',
    `if ($mode -ne 'FullLanguage') { '${modeWord} ' + $mode; exit 2 };`,
    '$reader = [IO.StreamReader]::new([Console]::OpenStandardInput());',
    '$lines = @();',
    'for (;;) { $line = $reader.ReadLine();',
    'if ($null -eq $line) { exit 3 };',
    `if ($line -eq '${go}') { break };`,
    '$lines += $line };',
    '& ([ScriptBlock]::Create($lines -join [char]10))"',
  ].join(' '),
];

/**
 * Answers questions until there are no more. A question is a line of JSON with its number, the
 * number of lines of its script and what is given to it; the script follows. A process
 * that asks nothing for 20 s is taken for dead, and this PowerShell ends: the next action on the same
 * instance waits for that. A process that was only slow goes on in another PowerShell.
 */
export const conversation = String.raw`
# outrigger conversation
$global:ErrorActionPreference = 'Stop'
$global:ProgressPreference = 'SilentlyContinue'
$global:WarningPreference = 'SilentlyContinue'
$global:ConfirmPreference = 'None'
Microsoft.PowerShell.Core\Set-StrictMode -Version 1
$held = @{}
function Get-Own {
  param($Given)
  $vm = Hyper-V\Get-VM -Id ([guid][string]$Given.id)
  if (-not ([string]$vm.Notes).Contains([string]$Given.proof)) { throw 'OutriggerNotOwn' }
  $vm
}
function Get-FreeBytes {
  param($Folder)
  try {
    $volume = @(Storage\Get-Volume -FilePath ([string]$Folder) -ErrorAction Stop)
    if ($volume.Count -eq 1) { return [int64]$volume[0].SizeRemaining }
  } catch {
    # Volumes are shown to administrators only; drives to everybody, but not what is mounted in them.
  }
  try {
    $at = [IO.DirectoryInfo]::new([string]$Folder)
    while ($null -ne $at) {
      if ($at.Attributes -band [IO.FileAttributes]::ReparsePoint) { return $null }
      $at = $at.Parent
    }
    [int64][IO.DriveInfo]::new([string]$Folder).AvailableFreeSpace
  } catch {
    $null
  }
}
function Get-AllDrives {
  param($Besides)
  for ($turn = 1; ; $turn++) {
    try {
      $vms = @(foreach ($vm in @(Hyper-V\Get-VM)) { if ($vm.Id -ne $Besides) { $vm } })
      if ($vms.Count -eq 0) { return }
      $drives = @(Hyper-V\Get-VMHardDiskDrive -VM $vms)
      $drives += @(Hyper-V\Get-VMSnapshot -VM $vms | Hyper-V\Get-VMHardDiskDrive)
      return $drives
    } catch {
      # A machine that is removed at that moment fails the question about all.
      if ($turn -eq 3) { throw }
    }
  }
}
function Test-Gone {
  param($Path)
  # Only a folder that is there proves that a file is not.
  try {
    [void][IO.File]::GetAttributes([string]$Path)
    $false
  } catch [IO.FileNotFoundException] {
    $true
  } catch [IO.DirectoryNotFoundException] {
    $above = [IO.Path]::GetDirectoryName([string]$Path)
    if ([string]::IsNullOrEmpty($above)) { $false } else { Test-Gone $above }
  } catch {
    $false
  }
}
function Get-Trouble {
  param($Record)
  $base = $Record.Exception.GetBaseException()
  @{
    id = [string]$Record.FullyQualifiedErrorId
    category = $Record.CategoryInfo.Category.ToString()
    type = $base.GetType().FullName
    code = [int64]$base.HResult
    message = [string]$Record.Exception.Message
  }
}
function Write-Answer {
  param($Number, $Answer)
  $json = Microsoft.PowerShell.Utility\ConvertTo-Json -InputObject $Answer -Compress -Depth 8
  $text = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json))
  [Console]::Out.WriteLine('outrigger-answer ' + [string]$Number + ' ' + $text)
  [Console]::Out.Flush()
}
for (;;) {
  $read = $reader.ReadLineAsync()
  if (-not $read.Wait(20000)) { [Environment]::Exit(4) }
  if ($null -eq $read.Result) { exit 0 }
  $question = Microsoft.PowerShell.Utility\ConvertFrom-Json -InputObject $read.Result
  $script = @()
  for ($i = 0; $i -lt $question.lines; $i++) { $script += $reader.ReadLine() }
  try {
    $block = [ScriptBlock]::Create($script -join [char]10)
    $value = @(& $block $question.given)[-1]
    Write-Answer $question.number @{ value = $value }
  } catch {
    Write-Answer $question.number @{ error = (Get-Trouble $_) }
  }
}
`.trim();
