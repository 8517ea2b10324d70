import { Failure, type FailureKind, hasReason, isKind } from '../../../failure.ts';
import type { Trouble } from './answers.ts';

/*
 * The meaning of a PowerShell error, told by its identifier, category and number: those are the
 * same in every language.
 */

interface Meaning {
  readonly kind: FailureKind;
  readonly advice?: string;
  readonly outage?: boolean;
  readonly tenant?: string;
}

/** `doing` completes "... while ..."; `paths` are the files that it was about. */
export function psFailure(
  trouble: Trouble,
  { host, doing, paths = [] }: { host: string; doing: string; paths?: readonly string[] },
): Failure {
  const { kind, ...rest } = meaningOf(trouble, paths);
  const { id, category, message } = trouble;
  const text = message.replace(/\s+/g, ' ').trim().slice(0, 400);
  return new Failure(kind, `${host} failed while ${doing}: ${text} (${id}, ${category})`, {
    ...rest,
    reason: 'powershell',
    facts: { id, category, type: trouble.type, code: hex(trouble.code) },
  });
}

/** Whether PowerShell reported the failure, in contrast to trouble on the way there. */
export function isFromPowerShell(thrown: unknown): boolean {
  return hasReason(thrown, 'powershell');
}

/**
 * Whether it is unknown what became of a command: its answer or the process was lost, or something
 * came that is no answer. A command of an account that is not let in was certainly not run.
 */
export function isLost(thrown: unknown): boolean {
  return isKind(thrown, 'unreachable', 'timeout', 'upstream') && !isFromPowerShell(thrown);
}

function meaningOf(trouble: Trouble, paths: readonly string[]): Meaning {
  const { id, category, type } = trouble;
  const code = numberOf(trouble);
  if (id.startsWith('OutriggerNotOwn')) {
    return { kind: 'conflict', advice: 'Its mark was changed meanwhile: run `outrigger audit`' };
  }
  if (category === 'ObjectNotFound' && id.startsWith('CommandNotFoundException')) {
    return {
      kind: 'config',
      advice: 'Install the role with its tools: Install-WindowsFeature Hyper-V-PowerShell',
      outage: true,
    };
  }
  if (code === '0x800705AA' || code === '0x8007000E' || /^OutOfMemory\b/.test(id)) {
    return {
      kind: 'conflict',
      advice: 'The host has not enough memory free; another one may have',
      tenant: 'There is not enough memory for this instance right now',
    };
  }
  if (code === '0x80070070' || code === '0x80070027') {
    return { kind: 'conflict', advice: 'The volume there is full', tenant: noSpace };
  }
  if (isDenied(category, id, type, code)) return denied(paths);
  if (code === '0x80070020' || category === 'ResourceBusy') {
    return {
      kind: 'conflict',
      advice: 'Something else uses it: a backup, a merge, another action',
    };
  }
  if (/^NamedParameterNotFound\b/.test(id)) {
    return {
      kind: 'unsupported',
      advice: 'Hyper-V there is too old: Windows Server 2016 or newer',
    };
  }
  return { kind: 'upstream' };
}

const noSpace = 'There is not enough space for this right now';

function isDenied(category: string, id: string, type: string, code: string): boolean {
  return (
    category === 'PermissionDenied' ||
    /^(AccessDenied|UnauthorizedAccess)/.test(id) ||
    type === 'System.UnauthorizedAccessException' ||
    code === '0x80070005'
  );
}

/** A login over the network goes no further than to its host: shares need another way. */
function denied(paths: readonly string[]): Meaning {
  const share = paths.find((path) => path.startsWith('\\\\'));
  if (share !== undefined) {
    return {
      kind: 'denied',
      advice: `${share} is on another server, where a WinRM login does not reach (second hop): give the computer account of the host rights on the share, or keep the file on the host`,
    };
  }
  return { kind: 'denied', advice: 'Has the account the right to manage Hyper-V and its folders?' };
}

/** Hyper-V puts the number of the real reason into its text, in every language alike. */
function numberOf({ message, code }: Trouble): string {
  const inText = /\b0x([0-9A-F]{8})\b/i.exec(message)?.[1];
  return inText === undefined ? hex(code) : `0x${inText.toUpperCase()}`;
}

function hex(code: number): string {
  return `0x${(code >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
}
