import type { Deadline } from '../../../contract/context.ts';
import { expectFailure } from '../../../failure.ts';
import { createListener, type Reply } from './answers.ts';
import { conversation, go, program, programArguments } from './protocol.ts';
import type { Wsman } from './wsman.ts';

export interface Question {
  readonly script: string;
  readonly given: unknown;
  /** Completes "... while ...". */
  readonly doing: string;
  /** Nothing more will be asked: the process may end. */
  readonly last: boolean;
}

/** One PowerShell process that answers questions. */
export interface PowerShellSession {
  ask(question: Question, deadline: Deadline): Promise<Reply>;
  /** Lets the process end by itself if it is well, and takes its shell away in any case. */
  close(deadline: Deadline): Promise<void>;
}

export async function startPowerShell(
  wsman: Wsman,
  deadline: Deadline,
): Promise<PowerShellSession> {
  const process = await wsman.start(program, programArguments, deadline);
  const listen = createListener(process, wsman.host);
  let number = 0;
  let state: 'idle' | 'asked' | 'told' = 'idle';
  return {
    async ask({ script, given, doing, last }, until) {
      number += 1;
      state = 'asked';
      const opening = number === 1 ? `${conversation}\n${go}\n` : '';
      await process.send(opening + question(number, script, given), last, until);
      const reply = await listen.answer(number, doing, until);
      state = last ? 'told' : 'idle';
      return reply;
    },
    async close(until) {
      try {
        if (state === 'idle') await process.send('', true, until);
        if (state !== 'asked') await listen.end(until);
      } catch (thrown) {
        // It is ended together with its shell, then.
        expectFailure(thrown);
      } finally {
        await process.close(until);
      }
    },
  };
}

/** ASCII only, and one line for what is given: nothing on the way can change it. */
export function question(number: number, script: string, given: unknown): string {
  const lines = script.split('\n');
  const head = JSON.stringify({ number, lines: lines.length, given }).replace(
    /[\u007f-\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${[head, ...lines].join('\n')}\n`;
}
