import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Element, find, findAll, readXml } from '../../src/providers/hyperv/api/xml.ts';
import { derOf, type KeyName } from '../http/keys.ts';
import { type FakeServer, type Seen, startServer } from '../http/server.ts';
import { type Acceptor, account, ownAcceptor } from './acceptor.ts';
import { startPowerShell } from './powershell.ts';
import { createShells, type Shell } from './shells.ts';
import { createState, type HostState } from './state.ts';

const ns = {
  soap: 'http://www.w3.org/2003/05/soap-envelope',
  addressing: 'http://schemas.xmlsoap.org/ws/2004/08/addressing',
  transfer: 'http://schemas.xmlsoap.org/ws/2004/09/transfer',
  wsman: 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd',
  shell: 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell',
} as const;

export interface FakeOptions {
  readonly key?: KeyName;
  /** The login schemes that WinRM offers; only Negotiate unless said otherwise. */
  readonly offers?: readonly ('Negotiate' | 'Basic' | 'Kerberos')[];
  readonly acceptor?: Acceptor;
  /** Strict: the login has to be bound to this connection. */
  readonly checkBinding?: boolean;
  /** The certificate that the server believes to be its own, as a machine in the middle would. */
  readonly bindingKey?: KeyName;
}

/** A fault of the next message of this kind. */
export interface Mishap {
  readonly action: string;
  readonly code?: number;
  /** The answer of what stands before WinRM, without a message, when the service is down. */
  readonly status?: number;
  /** Closes the connection instead of answering, after doing what was asked. */
  readonly drop?: boolean;
  readonly times: number;
}

export type Disturbance = (step: string) => 'before' | 'after' | undefined;

export interface FakeHyperV {
  readonly state: HostState;
  readonly server: FakeServer;
  readonly url: string;
  /** The complaints of the strict server; empty for a good client. */
  readonly complaints: readonly string[];
  /** The last part of the action of every message that was let in, and `login` for the others. */
  readonly messages: readonly string[];
  openShells(): number;
  /** How many messages were refused because a quota was reached. */
  refusals(): number;
  next(mishap: Partial<Mishap> & { readonly action: string }): void;
  outage(on: boolean): void;
  /**
   * Decides about every message, by the step that it asks for if any, whether the connection ends
   * before it is let in or when it was done.
   */
  disturb(judge: Disturbance | undefined): void;
  /** Every connection has to log in anew from now on. */
  forgetLogins(): void;
  /** Ends all shells with their processes, as a restart of the service does. */
  clearShells(): void;
  /** Ends shells after so long without a request, in place of the time that their clients gave. */
  idleAfter(ms: number): void;
  /** Closes idle connections after each answer that many times. */
  closeAfter(times: number): void;
  close(): Promise<void>;
}

/** A WinRM service in front of a Hyper-V host: TLS, login, SOAP and shells as strict as Windows. */
export async function startHyperV(options: FakeOptions = {}): Promise<FakeHyperV> {
  const { offers = ['Negotiate'], acceptor = ownAcceptor(), checkBinding = true } = options;
  const state = createState();
  const shells = createShells(state);
  const complaints: string[] = [];
  const messages: string[] = [];
  const mishaps: { -readonly [Key in keyof Required<Mishap>]: Required<Mishap>[Key] }[] = [];
  let known = new WeakSet<Socket>();
  const names = new WeakMap<Socket, string>();
  let out = false;
  let judge: Disturbance | undefined;
  let closing = 0;
  let refusals = 0;
  const complain = (what: string): void => void complaints.push(what);

  const admit = async (seen: Seen, socket: Socket): Promise<readonly string[] | undefined> => {
    const [scheme, token = ''] = (seen.headers.authorization ?? '').split(' ');
    if (scheme === 'Basic' && offers.includes('Basic')) {
      const given = Buffer.from(token, 'base64').toString('utf8');
      return given === `${account.user}:${account.password}` ? undefined : challenge(offers);
    }
    if (scheme !== 'Negotiate' || !offers.includes('Negotiate')) {
      return known.has(socket) ? undefined : challenge(offers);
    }
    const der = derOf(options.bindingKey ?? options.key ?? 'trusted');
    const hash = createHash('sha256').update(der).digest();
    const binding = Buffer.concat([Buffer.from('tls-server-end-point:'), hash]);
    const name = names.get(socket) ?? randomUUID();
    names.set(socket, name);
    const verdict = await acceptor.step(
      name,
      Buffer.from(token, 'base64'),
      checkBinding ? binding : undefined,
      new URL(`https://${seen.headers.host}`).hostname,
    );
    if ('done' in verdict) {
      known.add(socket);
      // The next login on this connection starts from the beginning.
      names.delete(socket);
      return undefined;
    }
    if ('refused' in verdict) {
      names.delete(socket);
      return challenge(offers);
    }
    return [`Negotiate ${verdict.token.toString('base64')}`];
  };

  const server = await startServer(
    (seen, response) => {
      // The response itself has none yet when a request comes right behind the answer before it.
      const { socket } = response.req;
      if (out || judge?.('') === 'before') {
        socket.destroy();
        return;
      }
      const reply = (
        status: number,
        body: string,
        headers: Record<string, string | string[]>,
      ): void => {
        if (closing > 0) {
          closing -= 1;
          response.setHeader('connection', 'close');
        }
        response.writeHead(status, headers).end(body);
      };
      const serve = async (): Promise<void> => {
        if (seen.target !== '/wsman') return reply(404, '', {});
        const refusal = await admit(seen, socket);
        if (refusal !== undefined) {
          messages.push('login');
          return reply(401, '', { 'www-authenticate': [...refusal] });
        }
        const answer = await handle(seen);
        if (answer === undefined) return void socket.destroy();
        const type = 'application/soap+xml;charset=UTF-8';
        return reply(answer.status, answer.body, { 'content-type': type });
      };
      serve().catch((thrown: unknown) => {
        complain(String(thrown));
        reply(500, fault(2150858817, 'w:SchemaValidationError'), {});
      });
    },
    options.key === undefined ? {} : { key: options.key },
  );

  const handle = async (seen: Seen): Promise<Answer | undefined> => {
    const message = readMessage(seen, `${server.url}/wsman`);
    messages.push(message.action);
    const mishap = mishaps.find(({ action, times }) => action === message.action && times > 0);
    if (mishap !== undefined) {
      mishap.times -= 1;
      if (mishap.status !== 0) return { status: mishap.status, body: '' };
      if (!mishap.drop) return { status: 500, body: fault(mishap.code, 'w:InternalError') };
      await perform(message);
      return undefined;
    }
    const verdict = message.action === 'Send' ? judge?.(stepIn(message)) : undefined;
    if (verdict === 'before') return undefined;
    const answer = await perform(message);
    if (verdict === undefined) return answer;
    await shells.open.get(message.shellId ?? '')?.command?.process.heard(10_000);
    return undefined;
  };

  const refuse = (code: number): Answer => {
    refusals += 1;
    return { status: 500, body: fault(code, 'w:QuotaLimit') };
  };

  const perform = async (message: Message): Promise<Answer> => {
    const { action, body, shellId } = message;
    if (action === 'Create') {
      assert.equal(message.option('WINRS_CODEPAGE'), '65001');
      const idle = Number(/^PT(\d+)S$/.exec(only(body, 'IdleTimeOut').text)?.[1]);
      assert.ok(
        idle > 60 && idle < 120,
        'after PowerShell has ended by itself, and not long after',
      );
      assert.equal(only(body, 'InputStreams').text, 'stdin');
      assert.equal(only(body, 'OutputStreams').text, 'stdout stderr');
      const id = randomUUID().toUpperCase();
      const shell = shells.add({ id, idleMs: idle * 1000 });
      return shell === undefined ? refuse(quota.shells) : created(id);
    }
    const shell = shells.open.get(shellId ?? '');
    if (shell === undefined) return { status: 500, body: fault(2150858843, 'w:InvalidSelectors') };
    if (action === 'Delete') {
      shells.remove(shell.id);
      return ok('DeleteResponse', '');
    }
    return shells.during(shell, () => performIn(shell, message));
  };

  const performIn = async (shell: Shell, message: Message): Promise<Answer> => {
    const { action, body, seconds } = message;
    if (shells.areOperationsTaken()) return refuse(quota.operations);
    if (action === 'Command') {
      assert.equal(shell.command, undefined, 'one command per shell');
      assert.equal(message.option('WINRS_CONSOLEMODE_STDIN'), 'FALSE');
      const args = findAll(body, ns.shell, 'Arguments').map(({ text }) => text);
      const process = startPowerShell(state, only(body, 'Command').text, args, complain);
      shell.command = { id: randomUUID().toUpperCase(), process };
      return ok('CommandResponse', `<rsp:CommandId>${shell.command.id}</rsp:CommandId>`);
    }
    const [target] = body.children;
    const inner = find(body, ns.shell, 'Stream') ?? find(body, ns.shell, 'DesiredStream') ?? target;
    const commandId = inner?.attributes['CommandId'];
    const { command } = shell;
    if (command === undefined || command.id !== commandId) {
      return { status: 500, body: fault(2150858843, 'w:InvalidSelectors') };
    }
    if (action === 'Send') {
      if (command.process.ended) return { status: 500, body: fault(232, 'w:InternalError') };
      assert.equal(inner?.attributes['Name'], 'stdin');
      const end = inner?.attributes['End'] === 'true';
      command.process.write(Buffer.from(inner?.text ?? '', 'base64'), end);
      return ok('SendResponse', '');
    }
    if (action === 'Signal') {
      assert.match(only(body, 'Code').text, /\/signal\/terminate$/);
      command.process.kill();
      return ok('SignalResponse', '');
    }
    assert.equal(action, 'Receive');
    assert.equal(inner?.text, 'stdout stderr');
    const said = await command.process.read(seconds * 1000);
    const { stdout, stderr, exitCode } = said;
    if (stdout.length === 0 && stderr.length === 0 && exitCode === undefined) {
      return { status: 500, body: fault(2150858793, 'w:TimedOut') };
    }
    return received(command.id, stdout, stderr, exitCode);
  };

  return {
    state,
    server,
    url: server.url,
    complaints,
    messages,
    openShells: () => shells.open.size,
    refusals: () => refusals,
    next: ({ action, code = 2150859173, status = 0, drop = false, times = 1 }) =>
      void mishaps.push({ action, code, status, drop, times }),
    outage(on) {
      out = on;
    },
    disturb(next) {
      judge = next;
    },
    clearShells() {
      for (const id of [...shells.open.keys()]) shells.remove(id);
    },
    idleAfter: shells.idleAfter,
    forgetLogins() {
      known = new WeakSet();
    },
    closeAfter(times) {
      closing = times;
    },
    async close() {
      for (const { command } of shells.open.values()) command?.process.kill();
      acceptor.close();
      await server.close();
    },
  };
}

function challenge(offers: readonly string[]): readonly string[] {
  return offers.map((offer) => (offer === 'Basic' ? 'Basic realm="WSMAN"' : offer));
}

interface Message {
  readonly action: string;
  readonly shellId: string | undefined;
  readonly seconds: number;
  readonly body: Element;
  option(name: string): string | undefined;
}

/** Every part of the header that the protocol demands, in its place and marked as it has to be. */
function readMessage({ headers, body: text }: Seen, url: string): Message {
  assert.equal(headers['content-type'], 'application/soap+xml;charset=UTF-8');
  assert.ok(text.length < 153_600, 'larger than the envelope may be');
  const root = readXml(text);
  const header = find(root, ns.soap, 'Header');
  const body = find(root, ns.soap, 'Body');
  assert.ok(header && body);
  const must = (element: Element): Element => {
    assert.equal(element.attributes[`${ns.soap} mustUnderstand`], 'true', element.name);
    return element;
  };
  const one = (space: string, name: string): Element => {
    const found = findAll(header, space, name);
    assert.equal(found.length, 1, `${name} has to be there once`);
    return found[0] as Element;
  };
  assert.equal(one(ns.addressing, 'To').text, url);
  assert.match(must(one(ns.addressing, 'Address')).text, /\/role\/anonymous$/);
  assert.match(one(ns.addressing, 'MessageID').text, /^uuid:[0-9A-F-]{36}$/);
  assert.equal(must(one(ns.wsman, 'ResourceURI')).text, `${ns.shell}/cmd`);
  assert.equal(must(one(ns.wsman, 'MaxEnvelopeSize')).text, '153600');
  const seconds = Number(/^PT(\d+)S$/.exec(one(ns.wsman, 'OperationTimeout').text)?.[1]);
  assert.ok(seconds >= 1 && seconds <= 60, 'an operation may take 1 to 60 s');
  const action = must(one(ns.addressing, 'Action')).text.replace(/^.*\//, '');
  const selector = find(header, ns.wsman, 'Selector');
  assert.equal(selector === undefined, action === 'Create', 'all but Create name their shell');
  const options = findAll(header, ns.wsman, 'Option');
  return {
    action,
    shellId: selector?.text,
    seconds,
    body,
    option: (name) => options.find(({ attributes }) => attributes['Name'] === name)?.text,
  };
}

/** The step that a message for standard input asks for; empty for none. */
function stepIn({ body }: Message): string {
  const stream = find(body, ns.shell, 'Stream')?.text ?? '';
  const text = Buffer.from(stream, 'base64').toString('latin1');
  return /^# outrigger command: ([\w-]+)$/m.exec(text)?.[1] ?? '';
}

function only(within: Element, name: string): Element {
  const found = findAll(within, ns.shell, name);
  assert.equal(found.length, 1, `${name} has to be there once`);
  return found[0] as Element;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function envelope(body: string): string {
  return `<s:Envelope xml:lang="de-DE" xmlns:s="${ns.soap}" xmlns:a='${ns.addressing}' xmlns:x="${ns.transfer}" xmlns:w="${ns.wsman}" xmlns:rsp="${ns.shell}"><s:Header><a:MessageID>uuid:${randomUUID().toUpperCase()}</a:MessageID></s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

/** The faults of WinRM's quotas. */
const quota = { shells: 2150859173, operations: 2150859174 } as const;

function ok(name: string, inside: string): Answer {
  const body = inside === '' ? `<rsp:${name}/>` : `<rsp:${name}>${inside}</rsp:${name}>`;
  return { status: 200, body: envelope(name === 'DeleteResponse' ? '' : body) };
}

function created(id: string): Answer {
  const selectors = `<w:SelectorSet><w:Selector Name="ShellId">${id}</w:Selector></w:SelectorSet>`;
  return {
    status: 200,
    body: envelope(
      `<x:ResourceCreated><a:ReferenceParameters><w:ResourceURI>${ns.shell}/cmd</w:ResourceURI>${selectors}</a:ReferenceParameters></x:ResourceCreated><rsp:Shell><rsp:ShellId>${id}</rsp:ShellId><rsp:IdleTimeOut>PT90.000S</rsp:IdleTimeOut></rsp:Shell>`,
    ),
  };
}

/** In two pieces, so that a client must not take the first one for all of it. */
function received(id: string, stdout: Buffer, stderr: Buffer, exitCode?: number): Answer {
  const stream = (name: string, part: Buffer): string =>
    part.length === 0
      ? ''
      : `<rsp:Stream Name="${name}" CommandId="${id}">${part.toString('base64')}</rsp:Stream>`;
  const middle = Math.floor(stdout.length / 2);
  const done = exitCode !== undefined;
  const ends = done
    ? ['stdout', 'stderr']
        .map((name) => `<rsp:Stream Name="${name}" CommandId="${id}" End="true"></rsp:Stream>`)
        .join('')
    : '';
  const code = done ? `<rsp:ExitCode>${exitCode >>> 0}</rsp:ExitCode>` : '';
  return {
    status: 200,
    body: envelope(
      `<rsp:ReceiveResponse>${stream('stdout', stdout.subarray(0, middle))}${stream('stderr', stderr)}${stream('stdout', stdout.subarray(middle))}${ends}<rsp:CommandState CommandId="${id}" State="${ns.shell}/CommandState/${done ? 'Done' : 'Running'}">${code}</rsp:CommandState></rsp:ReceiveResponse>`,
    ),
  };
}

function fault(code: number, subcode: string): string {
  const text = 'Der Dienst kann die Anforderung nicht verarbeiten.';
  return envelope(
    `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>${subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="de-DE">${text}</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="${code}" Machine="HV1"><f:Message>${text}</f:Message></f:WSManFault></s:Detail></s:Fault>`,
  );
}
