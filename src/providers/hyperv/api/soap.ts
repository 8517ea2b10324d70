import { escapeXml } from '../../../kit/xml/escape.ts';
import { type Element, find, findAll, readXml } from './xml.ts';

/*
 * The envelopes of the WS-Management shell protocol (MS-WSMV 3.1.4): what is sent, written out, and
 * what of the answers is read.
 */

const addressing = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const transfer = 'http://schemas.xmlsoap.org/ws/2004/09/transfer';
const wsman = 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd';
const microsoft = 'http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd';
const faults = 'http://schemas.microsoft.com/wbem/wsman/1/wsmanfault';
const envelope = 'http://www.w3.org/2003/05/soap-envelope';
const shell = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell';

export const actions = {
  create: `${transfer}/Create`,
  delete: `${transfer}/Delete`,
  command: `${shell}/Command`,
  send: `${shell}/Send`,
  receive: `${shell}/Receive`,
  signal: `${shell}/Signal`,
} as const;

export interface Message {
  readonly action: keyof typeof actions;
  /** Fresh for every message. */
  readonly id: string;
  /** Where it goes, as the server knows itself. */
  readonly to: string;
  /** The time that the server may take before it says that it needs longer. */
  readonly seconds: number;
  /** Absent only for the first one. */
  readonly shellId?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export function writeMessage(message: Message): string {
  const { action, id, to, seconds, shellId, options = {}, body = '' } = message;
  const must = 's:mustUnderstand="true"';
  const selectors =
    shellId === undefined
      ? ''
      : `<w:SelectorSet><w:Selector Name="ShellId">${escapeXml(shellId)}</w:Selector></w:SelectorSet>`;
  const optionSet = Object.entries(options)
    .map(([name, value]) => `<w:Option Name="${name}">${escapeXml(value)}</w:Option>`)
    .join('');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<s:Envelope xmlns:s="${envelope}" xmlns:a="${addressing}" xmlns:w="${wsman}" xmlns:p="${microsoft}" xmlns:rsp="${shell}">`,
    '<s:Header>',
    `<a:To>${escapeXml(to)}</a:To>`,
    `<a:ReplyTo><a:Address ${must}>${addressing}/role/anonymous</a:Address></a:ReplyTo>`,
    `<a:Action ${must}>${actions[action]}</a:Action>`,
    `<a:MessageID>uuid:${escapeXml(id)}</a:MessageID>`,
    `<w:ResourceURI ${must}>${shell}/cmd</w:ResourceURI>`,
    `<w:MaxEnvelopeSize ${must}>153600</w:MaxEnvelopeSize>`,
    `<w:OperationTimeout>PT${seconds}S</w:OperationTimeout>`,
    '<w:Locale xml:lang="en-US" s:mustUnderstand="false"/>',
    '<p:DataLocale xml:lang="en-US" s:mustUnderstand="false"/>',
    selectors,
    optionSet === '' ? '' : `<w:OptionSet ${must}>${optionSet}</w:OptionSet>`,
    '</s:Header>',
    `<s:Body>${body}</s:Body>`,
    '</s:Envelope>',
  ].join('');
}

/** The body that opens a shell with the three standard streams. */
export function shellBody(idleSeconds: number): string {
  return `<rsp:Shell><rsp:IdleTimeOut>PT${idleSeconds}S</rsp:IdleTimeOut><rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>`;
}

export function commandBody(command: string, args: readonly string[]): string {
  const parts = args.map((arg) => `<rsp:Arguments>${escapeXml(arg)}</rsp:Arguments>`).join('');
  return `<rsp:CommandLine><rsp:Command>${escapeXml(command)}</rsp:Command>${parts}</rsp:CommandLine>`;
}

export function sendBody(commandId: string, content: Buffer, end: boolean): string {
  const last = end ? ' End="true"' : '';
  return `<rsp:Send><rsp:Stream Name="stdin" CommandId="${escapeXml(commandId)}"${last}>${content.toString('base64')}</rsp:Stream></rsp:Send>`;
}

export function receiveBody(commandId: string): string {
  return `<rsp:Receive><rsp:DesiredStream CommandId="${escapeXml(commandId)}">stdout stderr</rsp:DesiredStream></rsp:Receive>`;
}

export function signalBody(commandId: string): string {
  return `<rsp:Signal CommandId="${escapeXml(commandId)}"><rsp:Code>${shell}/signal/terminate</rsp:Code></rsp:Signal>`;
}

/** A fault: its parts that do not depend on the language of the server, and its text. */
export interface Fault {
  /** The Windows error number, 0 when there is none. */
  readonly code: number;
  readonly subcode: string;
  /** In the language of the server; for people only. */
  readonly text: string;
}

/** A fault is one of the answers. */
export type Answer =
  | { readonly fault: Fault }
  | { readonly body: Element; readonly fault?: undefined };

export function readAnswer(text: string): Answer {
  const root = readXml(text);
  const body = find(root, envelope, 'Body') ?? root;
  const fault = find(body, envelope, 'Fault');
  return fault === undefined ? { body } : { fault: readFault(fault) };
}

function readFault(fault: Element): Fault {
  const own = find(fault, faults, 'WSManFault');
  return {
    code: Number(own?.attributes['Code']) || 0,
    subcode: allText(find(fault, envelope, 'Subcode')).replace(/^.*:/, ''),
    text: allText(find(fault, faults, 'Message')) || allText(find(fault, envelope, 'Reason')),
  };
}

function allText(element: Element | undefined): string {
  if (element === undefined) return '';
  const { text, children } = element;
  return [text, ...children.map(allText)].join(' ').replace(/\s+/g, ' ').trim();
}

export function readShellId(body: Element): string | undefined {
  return find(body, shell, 'ShellId')?.text.trim();
}

export function readCommandId(body: Element): string | undefined {
  return find(body, shell, 'CommandId')?.text.trim();
}

/** The output of a command since it was last asked for. */
export interface Output {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Once it has ended. */
  readonly exitCode?: number;
}

export function readOutput(body: Element): Output {
  const streams = findAll(body, shell, 'Stream');
  const collect = (name: string): Buffer =>
    Buffer.concat(
      streams
        .filter((stream) => stream.attributes['Name'] === name)
        .map(({ text }) => Buffer.from(text, 'base64')),
    );
  const state = find(body, shell, 'CommandState')?.attributes['State'];
  const exitCode = Number(find(body, shell, 'ExitCode')?.text ?? 0);
  return {
    stdout: collect('stdout'),
    stderr: collect('stderr'),
    ...(state?.endsWith('/CommandState/Done') ? { exitCode } : {}),
  };
}
