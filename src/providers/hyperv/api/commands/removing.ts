import { anything, command, type Own } from '../command.ts';

/* The commands that remove machines and files. */

/** Takes the machine out of the host; its disks stay where they are. */
export const remove = command<Own>()(
  { name: 'remove', doing: 'removing the virtual machine' },
  String.raw`
# outrigger command: remove
param($Given)
$vm = Get-Own $Given
Hyper-V\Remove-VM -VM $vm -Force
@{ removed = $true }
`,
  anything,
);

/**
 * Deletes files, of which only those may be missing that are proved to be, and the folder with everything below it as far as it
 * holds no files.
 */
export const erase = command<{ readonly files: readonly string[]; readonly folder: string }>()(
  { name: 'erase', doing: 'deleting its files' },
  String.raw`
# outrigger command: erase
param($Given)
if ($held.ContainsKey('copy')) {
  $held['copy'].from.Dispose()
  $held['copy'].to.Dispose()
  $held.Remove('copy')
}
foreach ($file in @($Given.files)) {
  if (-not (Test-Gone $file)) {
    Microsoft.PowerShell.Management\Remove-Item -LiteralPath ([string]$file) -Force
  }
}
$folder = [string]$Given.folder
if ($folder -ne '' -and [IO.Directory]::Exists($folder)) {
  $below = @([IO.Directory]::GetDirectories($folder, '*', [IO.SearchOption]::AllDirectories))
  [array]::Reverse($below)
  foreach ($one in ($below + $folder)) {
    if (@([IO.Directory]::GetFileSystemEntries($one)).Count -eq 0) { [IO.Directory]::Delete($one) }
  }
}
@{ erased = $true }
`,
  anything,
);
