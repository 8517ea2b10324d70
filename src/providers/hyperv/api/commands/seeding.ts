import * as v from 'valibot';
import { anything, command, type Own } from '../command.ts';

/* The commands that put a seed, the image with the data for a guest, onto the host. */

/**
 * Keeps one part of the image in the memory of the process there: a call that is killed leaves no
 * file. The same part sent twice is the same part.
 */
export const seedPart = command<{ readonly at: number; readonly data: string }>()(
  { name: 'seedPart', doing: 'sending the data for its guest' },
  `
# outrigger command: seedPart
param($Given)
if (-not $held.ContainsKey('seed')) {
  $held['seed'] = @{ stream = [IO.MemoryStream]::new(); parts = @{} }
}
$part = [Convert]::FromBase64String([string]$Given.data)
$held['seed'].stream.Position = [int64]$Given.at
$held['seed'].stream.Write($part, 0, $part.Length)
$held['seed'].parts[[string]$Given.at] = [int64]$part.Length
@{ at = [int64]$Given.at }
`,
  () => v.object({ at: v.number() }),
);

/**
 * Writes the image that was sent and puts it into a drive of its own. Another process than the one that
 * got the parts has not all of them.
 */
export const seed = command<
  Own & { readonly path: string; readonly bytes: number; readonly sent: number }
>()(
  { name: 'seed', doing: 'writing the data for its guest' },
  String.raw`
# outrigger command: seed
param($Given)
$vm = Get-Own $Given
$sent = [int64]0
if ($held.ContainsKey('seed')) {
  foreach ($length in @($held['seed'].parts.Values)) { $sent += $length }
}
if ($sent -ne [int64]$Given.sent) { throw 'OutriggerSeedTorn' }
$path = [string]$Given.path
$held['seed'].stream.SetLength([int64]$Given.bytes)
[void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($path))
[IO.File]::WriteAllBytes($path, $held['seed'].stream.ToArray())
$held.Remove('seed')
$there = $false
foreach ($drive in @(Hyper-V\Get-VMDvdDrive -VM $vm)) {
  if ([string]$drive.Path -eq $path) { $there = $true }
}
if (-not $there) { Hyper-V\Add-VMDvdDrive -VM $vm -Path $path }
@{ written = $true }
`,
  anything,
);
