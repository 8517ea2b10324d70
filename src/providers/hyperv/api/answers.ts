import type { Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import { createDeadline } from '../../../kit/deadline.ts';
import { parseJson } from '../../../kit/json.ts';
import { readDiagnostics } from './clixml.ts';
import { answerWord, modeWord } from './protocol.ts';
import type { Process } from './wsman.ts';

/** An error of PowerShell's by what does not depend on the language of the host. */
export interface Trouble {
  readonly id: string;
  readonly category: string;
  readonly type: string;
  readonly code: number;
  /** In the language of the host; for people only. */
  readonly message: string;
}

export type Reply = { readonly value: unknown } | { readonly error: Trouble };

/** How long a process that was told to end may take. */
const mostMs = 5000;

/** Hears what a process says, and finds the answers in it. */
export interface Listener {
  answer(number: number, doing: string, deadline: Deadline): Promise<Reply>;
  /** Fails when it does not end soon. */
  end(deadline: Deadline): Promise<void>;
}

export function createListener(process: Process, host: string): Listener {
  let heard = '';
  let stderr = Buffer.alloc(0);
  let exitCode: number | undefined;
  const hear = async (doing: string, deadline: Deadline): Promise<void> => {
    const output = await process.receive(doing, deadline);
    // Answers are ASCII; as latin1 every other byte that a program writes stays visible, too.
    heard += output.stdout.toString('latin1');
    stderr = Buffer.concat([stderr, output.stderr]);
    exitCode = output.exitCode;
  };
  return {
    async answer(number, doing, deadline) {
      for (;;) {
        const found = findAnswer(heard, number);
        if (found !== undefined) return readReply(found, { doing, host });
        if (exitCode !== undefined) throw ended(heard, stderr, exitCode, { doing, host });
        await hear(doing, deadline);
      }
    },
    async end(deadline) {
      const untilMs = performance.now() + Math.min(mostMs, deadline.remainingMs());
      const until = createDeadline(() => performance.now(), {
        endMs: untilMs,
        undoEndMs: untilMs,
      });
      while (exitCode === undefined) await hear('waiting for PowerShell to end', until);
    },
  };
}

function findAnswer(heard: string, number: number): string | undefined {
  const pattern = new RegExp(`^${answerWord} ${number} ([A-Za-z0-9+/=]+)\\r?$`, 'm');
  // Only whole lines: the rest of this one may still be on its way.
  return pattern.exec(heard.slice(0, heard.lastIndexOf('\n') + 1))?.[1];
}

function readReply(encoded: string, { doing, host }: About): Reply {
  const reply = parseJson(Buffer.from(encoded, 'base64').toString('utf8'));
  if (typeof reply === 'object' && reply !== null) return toReply(reply);
  throw new Failure(
    'upstream',
    `PowerShell on ${host} gave an answer that our script cannot have made while ${doing}`,
  );
}

function toReply(reply: object): Reply {
  const { error, value } = reply as { readonly error?: unknown; readonly value?: unknown };
  if (error === undefined) return { value };
  const told = (typeof error === 'object' && error !== null ? error : {}) as Partial<
    Record<keyof Trouble, unknown>
  >;
  const text = (part: unknown): string => (typeof part === 'string' ? part : '');
  return {
    error: {
      id: text(told.id),
      category: text(told.category),
      type: text(told.type),
      code: typeof told.code === 'number' ? told.code : 0,
      message: text(told.message),
    },
  };
}

interface About {
  readonly doing: string;
  readonly host: string;
}

function ended(heard: string, stderr: Buffer, exitCode: number, { doing, host }: About): Failure {
  const mode = new RegExp(`^${modeWord} (\\w+)`, 'm').exec(heard)?.[1];
  if (mode !== undefined) {
    return new Failure('config', `PowerShell on ${host} runs in ${mode} for this account`, {
      advice:
        'Exempt the account from the policy (AppLocker, App Control) that restricts PowerShell: it needs FullLanguage',
      outage: true,
    });
  }
  const printed = [readDiagnostics(stderr.toString('utf8')), besideAnswers(heard)];
  const words = printed.filter((text) => text !== '').join(' ');
  return new Failure(
    'upstream',
    `PowerShell on ${host} ended with ${exitCode} while ${doing}${words === '' ? '' : `: ${words}`}`,
    { advice: whyEnded, facts: { exitCode } },
  );
}

const whyEnded =
  'If its words do not explain it, look for blocks by antivirus or policy in the event logs of the host (Windows PowerShell, AppLocker, Defender), and whether WinRM gives a shell enough: MaxMemoryPerShellMB (1024 or more) and MaxProcessesPerShell (25 or more) in `winrm get winrm/config/winrs`';

/** The output of cmd.exe or PowerShell on standard output that is none of our script's. */
function besideAnswers(heard: string): string {
  const lines = Buffer.from(heard, 'latin1').toString('utf8').split(/\r?\n/);
  return readDiagnostics(lines.filter((line) => !line.startsWith(answerWord)).join('\n'));
}
