import type { Deadline } from '../../../contract/context.ts';
import { expectFailure, Failure, isKind } from '../../../failure.ts';
import { poll } from '../../../kit/poll.ts';
import type { Post } from './auth.ts';
import { faultFailure, isBusy, isPipeEnded, isStillRunning, noRoom } from './faults.ts';
import {
  type Answer,
  commandBody,
  type Message,
  type Output,
  readAnswer,
  readCommandId,
  readOutput,
  readShellId,
  receiveBody,
  sendBody,
  shellBody,
  signalBody,
  writeMessage,
} from './soap.ts';
import type { Element } from './xml.ts';

/** A program that runs on the Windows host, in a shell of its own. */
export interface Process {
  /** Writes to its standard input; nothing more may follow after `end`. */
  send(content: string, end: boolean, deadline: Deadline): Promise<void>;
  /** Its output since; waits for it. */
  receive(what: string, deadline: Deadline): Promise<Output>;
  /** Ends it if it still runs, and the shell with it. */
  close(deadline: Deadline): Promise<void>;
}

export interface Wsman {
  readonly host: string;
  start(program: string, args: readonly string[], deadline: Deadline): Promise<Process>;
}

/** No operation is left alone for longer; the answer "still running" comes then. */
const mostSeconds = 20;
/**
 * A shell that gets no request for this long is taken down by Windows, with its process: longer than any
 * call is silent, and soon enough for the calls that wait for its lock.
 */
const idleSeconds = 90;

type Part = Pick<Message, 'action'> & Partial<Message>;

export function createWsman(post: Post, to: string): Wsman {
  const host = new URL(to).host;

  const exchange = async (part: Part, deadline: Deadline): Promise<Answer> => {
    const seconds = Math.max(1, Math.min(mostSeconds, Math.floor(deadline.remainingMs() / 1000)));
    const { randomUUID } = await import('node:crypto');
    const content = writeMessage({ ...part, id: randomUUID().toUpperCase(), to, seconds });
    const limitMs = (seconds + 10) * 1000;
    // A shell without a command does nothing, and Windows takes it away.
    const reply = await post(content, { deadline, limitMs, harmless: part.action === 'create' });
    if (!/^\ufeff?\s*</.test(reply.text) || !/Envelope/.test(reply.text)) {
      throw noWinrm(reply.status, reply.reason, to);
    }
    return readAnswer(reply.text);
  };

  /** A refusal because a quota of WinRM is reached means that nothing was begun. */
  const admitted = (part: Part, deadline: Deadline, what: string): Promise<Answer> => {
    let last: Failure | undefined;
    const look = async (): Promise<Answer | undefined> => {
      const answer = await exchange(part, deadline);
      if (answer.fault === undefined || !isBusy(answer.fault)) return answer;
      last = noRoom(answer.fault, host, part.action === 'create' ? 'shell' : 'request');
      return undefined;
    };
    return poll(deadline, what, look, { firstMs: 300, mostMs: 4000, growth: 2 }).catch(
      (thrown: unknown) => {
        throw isKind(thrown, 'timeout') ? (last ?? thrown) : thrown;
      },
    );
  };

  const demand = async (part: Part, deadline: Deadline, what: string): Promise<Element> => {
    const answer = await admitted(part, deadline, what);
    if (answer.fault !== undefined) throw faultFailure(answer.fault, host, what);
    return answer.body;
  };

  return {
    host,
    async start(program, args, deadline) {
      const opened = await demand(
        {
          action: 'create',
          options: { WINRS_NOPROFILE: 'TRUE', WINRS_CODEPAGE: '65001' },
          body: shellBody(idleSeconds),
        },
        deadline,
        'opening a shell',
      );
      const shellId = needed(readShellId(opened), 'an id of the shell', host);
      const remove = (until: Deadline): Promise<unknown> =>
        demand({ action: 'delete', shellId }, until, 'closing the shell');
      try {
        const started = await demand(
          {
            action: 'command',
            shellId,
            options: { WINRS_CONSOLEMODE_STDIN: 'FALSE', WINRS_SKIP_CMD_SHELL: 'FALSE' },
            body: commandBody(program, args),
          },
          deadline,
          'starting PowerShell',
        );
        const commandId = needed(readCommandId(started), 'an id of the command', host);
        return processIn({ shellId, commandId, host, admitted, demand, remove });
      } catch (thrown) {
        // The first failure is reported; a shell that stays is cleared away by Windows later.
        await remove(deadline.forUndo()).catch(expectFailure);
        throw thrown;
      }
    },
  };
}

interface Place {
  readonly shellId: string;
  readonly commandId: string;
  readonly host: string;
  admitted(part: Part, deadline: Deadline, what: string): Promise<Answer>;
  demand(part: Part, deadline: Deadline, what: string): Promise<Element>;
  remove(deadline: Deadline): Promise<unknown>;
}

function processIn({ shellId, commandId, host, admitted, demand, remove }: Place): Process {
  return {
    async send(content, end, deadline) {
      const body = sendBody(commandId, Buffer.from(content, 'latin1'), end);
      const what = 'asking PowerShell';
      const { fault } = await admitted({ action: 'send', shellId, body }, deadline, what);
      // A process that has ended tells why on the streams that are still to be read.
      if (fault === undefined || isPipeEnded(fault)) return;
      throw faultFailure(fault, host, what);
    },
    async receive(what, deadline) {
      const options = { WSMAN_CMDSHELL_OPTION_KEEPALIVE: 'TRUE' };
      const body = receiveBody(commandId);
      for (;;) {
        const part = { action: 'receive', shellId, options, body } as const;
        const answer = await admitted(part, deadline, what);
        if (answer.fault === undefined) return readOutput(answer.body);
        if (!isStillRunning(answer.fault)) throw faultFailure(answer.fault, host, what);
      }
    },
    async close(deadline) {
      const signal = { action: 'signal', shellId, body: signalBody(commandId) } as const;
      try {
        await demand(signal, deadline, 'ending PowerShell');
      } finally {
        await remove(deadline);
      }
    },
  };
}

function needed(found: string | undefined, what: string, host: string): string {
  if (found !== undefined && found !== '') return found;
  throw new Failure('upstream', `WinRM on ${host} answered without ${what}`);
}

function noWinrm(status: number, reason: string, to: string): Failure {
  const answered = `${status} ${reason}`.trim();
  return new Failure('upstream', `${to} answered ${answered}, which WinRM does not say`, {
    advice:
      status === 503
        ? 'The service is stopped or starting there: Get-Service WinRM'
        : 'Is there a WinRM listener for HTTPS on this port (winrm enumerate winrm/config/listener)?',
    outage: true,
    remote: { status },
  });
}
