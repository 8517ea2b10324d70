import type { Socket } from 'node:net';
import type { Context, Deadline } from '../../../contract/context.ts';
import { Failure, isKind, reworded, wasNotSent } from '../../../failure.ts';
import { type Connect, connectTls } from '../../../kit/http/connect.ts';
import { type Attempt, isPersistent, transportFailure } from '../../../kit/http/errors.ts';
import { createVerifier } from '../../../kit/http/tls.ts';
import { retryWhile } from '../../../kit/retry.ts';
import { tlsOf } from '../../../lifecycle/shared-settings.ts';
import type { Settings } from '../settings.ts';
import { endpointOf } from './address.ts';
import { type Connection, converse } from './connection.ts';
import { codes, errorIn, hasCode } from './errors.ts';
import { isReading, numberOf, type Procedure } from './procedures.ts';
import { createReader, optional, type Reader, u32 } from './xdr.ts';

export interface Ask {
  /** Completes "Could not ..." in a failure, such as `start i-2-42-VM`. */
  readonly what: string;
  /** Ends the waiting, also while changes are taken back. */
  readonly deadline: Deadline;
  /** Sent as a stream when libvirt has agreed to the call. */
  readonly content?: Buffer;
}

/** libvirt over TLS for one call of ours; calls that wait for each other are the caller's to order. */
export interface Client {
  call<T>(
    procedure: Procedure,
    args: readonly Buffer[],
    ask: Ask,
    read: (answer: Reader) => T,
  ): Promise<T>;
  close(): void;
}

/** How long opening a connection may take, and how long after the system was unreachable moments ago. */
const connectMs = 5000;
const suspectMs = 2000;

export function createClient(settings: Settings, { log, suspect }: Context): Client {
  const endpoint = endpointOf(settings.url);
  const attempt: Attempt = { title: 'libvirt', endpoint, what: 'the opening call' };
  const { client_cert_file: cert, client_key: key } = settings;
  const verifier = createVerifier({ ...tlsOf(settings), client: { cert, key } }, attempt.title);
  let connect: Promise<Connect> | undefined;
  let opening: Promise<Connection> | undefined;
  let isSuspect = suspect === true;

  const open = async (deadline: Deadline): Promise<Connection> => {
    connect ??= connectTls(verifier);
    const limitMs = Math.min(isSuspect ? suspectMs : connectMs, deadline.remainingMs());
    const socket = await socketBy(await connect, attempt, limitMs);
    const connection = await converse(socket, attempt, deadline);
    await enter(connection, deadline);
    isSuspect = false;
    return connection;
  };
  const connection = async (deadline: Deadline): Promise<Connection> => {
    const before = opening;
    const now = await before?.catch(() => undefined);
    if (now?.isOpen === true) return now;
    // Of several calls that lost the connection together, the first opens the next one.
    if (opening === before || opening === undefined) opening = open(deadline);
    return opening;
  };

  return {
    call(procedure, args, ask, read) {
      const { what, deadline } = ask;
      const once = async () => {
        const startedMs = Date.now();
        const answer = await (await connection(deadline)).call(
          numberOf(procedure),
          Buffer.concat(args),
          ask,
          ask.content,
        );
        const body = createReader(answer.body);
        const failure = answer.isError ? errorIn(body, what) : undefined;
        const status = failure?.remote.status ?? 0;
        log('rpc', { level: 'debug', procedure, status, ms: Date.now() - startedMs });
        if (failure !== undefined) throw failure;
        return read(body);
      };
      const pauseMs = (thrown: unknown, turn: number) =>
        isSuspect || turn > mostRepeats || !mayRepeat(thrown, procedure) ? undefined : 100 * turn;
      return retryWhile({ deadline, doing: what, pauseMs }, once);
    },
    close() {
      opening?.then((one) => one.close()).catch(() => {});
    },
  };
}

const mostRepeats = 2;

/** A lost connection may come back; a change is only repeated when libvirt cannot have seen it. */
function mayRepeat(thrown: unknown, procedure: Procedure): boolean {
  if (!isKind(thrown, 'unreachable') || isPersistent(thrown)) return false;
  return isReading(procedure) || wasNotSent(thrown);
}

function socketBy(connect: Connect, attempt: Attempt, limitMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connect({ endpoint: attempt.endpoint, limitMs }, (error, socket) => {
      if (socket !== undefined) resolve(socket);
      else reject(transportFailure(error, attempt, 'no'));
    });
  });
}

/** Every connection begins with this; nothing else is answered before. */
async function enter(connection: Connection, deadline: Deadline): Promise<void> {
  const wait = { what: 'open qemu:///system', deadline };
  const body = Buffer.concat([optional('qemu:///system'), u32(0)]);
  const answer = await connection.call(numberOf('open'), body, wait);
  if (!answer.isError) return;
  const failure = errorIn(createReader(answer.body), wait.what);
  const names = hasCode(failure, 'authFailed') ? await asksFor(connection, wait) : [];
  connection.close();
  throw names.length === 0 ? withoutDriver(failure) : wantsLogin(names, codes.authFailed);
}

async function asksFor(connection: Connection, wait: Ask): Promise<readonly string[]> {
  const { body, isError } = await connection.call(numberOf('authList'), Buffer.alloc(0), wait);
  if (isError) return [];
  const names: Readonly<Record<number, string>> = { 1: 'SASL', 2: 'polkit' };
  return createReader(body)
    .list((from) => names[from.u32()])
    .filter((name) => name !== undefined);
}

function wantsLogin(names: readonly string[], status: number): Failure {
  return new Failure('denied', `libvirt wants a login by ${names.join(' or ')} besides`, {
    outage: true,
    remote: { status },
    advice: 'Outrigger shows a client certificate: set auth_tls = "none" in libvirtd.conf',
  });
}

function withoutDriver(failure: Failure): Failure {
  return reworded(failure, {
    advice: 'Is the QEMU driver of libvirt installed and running (libvirtd or virtqemud)?',
  });
}
