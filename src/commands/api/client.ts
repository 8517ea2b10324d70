import type { Deadline } from '../../contract/context.ts';
import { Failure, remoteMessage } from '../../failure.ts';
import { createHttp } from '../../kit/http/client.ts';
import type { Reply } from '../../kit/http/reply.ts';
import type { Tls } from '../../kit/http/tls.ts';
import { silent } from '../../kit/log.ts';
import { poll } from '../../kit/poll.ts';
import { isMembers, type Members } from '../json.ts';
import { failureFor } from './errors.ts';
import { flatten, type KeyPair, type Parameters, signed } from './form.ts';

/** One object of an answer, whose members are not checked. */
export type Entry = Members;

/** CloudStack's API with the rights of one user. */
export interface Api {
  /** Answers the content of the answer, after the end of a job; throws the refusal of CloudStack, explained. */
  call(command: string, parameters?: Parameters): Promise<Entry>;
  /** All entries of a list, page by page. */
  list(command: string, parameters?: Parameters): Promise<readonly Entry[]>;
  close(): void;
}

/** Where the API is and who calls it. */
export interface Access extends KeyPair {
  /** Ends in `/client/api`, or in what stands for it. */
  readonly url: string;
  readonly tls: Tls;
}

const title = 'CloudStack';
const largestPage = 200;
const validMs = 10 * 60 * 1000;

/** Connects when first asked; every call is posted, since parameters may be secrets. */
export function createApi(access: Access, deadline: Deadline): Api {
  const base = access.url.replace(/\/+$/, '');
  const at = base.lastIndexOf('/');
  const http = createHttp({
    title,
    endpoints: [base.slice(0, at)],
    tls: access.tls,
    deadline,
    log: silent,
    // Secrets are never part of a call, and what is sent in the clear is the operator's choice.
    allowPlainHttp: true,
  });
  const path = base.slice(at);
  let accepted = false;

  const ask = async (command: string, parameters: Parameters): Promise<Entry> => {
    const form = flatten({ command, response: 'json', ...parameters });
    const sealed = signed(form, access, new Date(Date.now() + validMs));
    const reply = await http.request('POST', path, { form: sealed });
    const body = bodyOf(command, reply, { url: access.url, accepted });
    accepted = true;
    return body;
  };
  const call: Api['call'] = async (command, parameters = {}) => {
    const body = await ask(command, parameters);
    const { jobid } = body;
    return typeof jobid === 'string' ? finished(command, jobid) : body;
  };
  const finished = (command: string, jobid: string): Promise<Entry> =>
    poll(deadline, `waiting for ${command}`, async () => {
      const { jobstatus, jobresult } = await ask('queryAsyncJobResult', { jobid });
      if (jobstatus === 0) return undefined;
      const result = isMembers(jobresult) ? jobresult : {};
      if (jobstatus === 1) return result;
      throw failureFor(command, Number(result['errorcode'] ?? 530), asText(result['errortext']));
    });

  let pageSize = largestPage;
  const callPage = async (command: string, parameters: Parameters): Promise<Entry> => {
    try {
      return await call(command, { ...parameters, pagesize: pageSize });
    } catch (thrown) {
      const allowed = allowedPage(thrown);
      if (allowed === undefined || allowed >= pageSize) throw thrown;
      pageSize = allowed;
      return call(command, { ...parameters, pagesize: pageSize });
    }
  };

  return {
    call,
    async list(command, parameters = {}) {
      const found: Entry[] = [];
      let before = '';
      for (let page = 1; ; page += 1) {
        const body = await callPage(command, { ...parameters, page });
        const entries = asEntries(Object.values(body).find(Array.isArray));
        const whole = JSON.stringify(entries);
        // A command without pages answers every page with the whole list.
        if (whole === before) return found;
        found.push(...entries);
        if (entries.length < pageSize) return found;
        before = whole;
      }
    },
    close: http.close,
  };
}

/** The most entries that a page may have, where an operator has lowered `default.page.size`. */
function allowedPage(thrown: unknown): number | undefined {
  const [, size] = /\bpage size\b.*: (\d+)/i.exec(remoteMessage(thrown)) ?? [];
  return size === undefined ? undefined : Math.max(1, Number(size));
}

/** The object under the one key of the answer, which is named after the command. */
function bodyOf(
  command: string,
  reply: Reply,
  { url, accepted }: { readonly url: string; readonly accepted: boolean },
): Entry {
  const document = parse(reply);
  const [body] = document === undefined ? [] : Object.values(document);
  if (reply.status !== 200 || !isMembers(body) || body['errorcode'] !== undefined) {
    const told = isMembers(body) ? body : {};
    const code = Number(told['errorcode'] ?? reply.status);
    if (code === 200) throw notTheApi(reply, url);
    if (document === undefined && code < 500 && code !== 401) throw notTheApi(reply, url);
    const hereMs = Date.now();
    const thereMs = Date.parse(reply.header('date') ?? '');
    const skewMs = Number.isNaN(thereMs) ? undefined : hereMs - thereMs;
    throw failureFor(command, code, asText(told['errortext']), { skewMs, accepted });
  }
  return body;
}

function parse(reply: Reply): Entry | undefined {
  try {
    const document = reply.json();
    return isMembers(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

/** Names the address as it was given: the mistake is mostly in its path. */
function notTheApi({ status }: Reply, url: string): Failure {
  return new Failure(
    'config',
    `The server at ${url} (${status}) does not answer as CloudStack's API does`,
    {
      advice: 'The address looks like https://management.example.org:8443/client/api',
    },
  );
}

/** A text, number or truth value of an answer as text; empty for anything else. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** A map of texts in an answer; empty for anything else. */
export function asTexts(value: unknown): Readonly<Record<string, string>> {
  if (!isMembers(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asText(one)]));
}

/** The objects in a list of an answer. */
export function asEntries(value: unknown): readonly Entry[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isMembers) : [];
}

/** The one object of an answer such as `{"extension": {...}}`, or the answer itself. */
export function onlyEntry(body: Entry): Entry {
  return Object.values(body).find(isMembers) ?? body;
}
