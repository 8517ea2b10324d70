import type { Deadline } from '../../../contract/context.ts';
import { Failure } from '../../../failure.ts';
import type { Http } from '../../../kit/http/client.ts';
import type { Reply } from '../../../kit/http/reply.ts';
import { channelBinding } from './channel-binding.ts';
import { authenticateMessage, negotiateMessage, readChallenge } from './ntlm.ts';
import type { Account } from './ntlm-keys.ts';

export interface Credentials extends Account {
  readonly scheme: 'ntlm' | 'basic';
  /** The host as it is addressed, for the service name. */
  readonly host: string;
}

export interface Way {
  readonly deadline: Deadline;
  readonly limitMs: number;
  /** No process there can act by it, so that its answer may be given up early. */
  readonly harmless: boolean;
}

/** Posts a message as the account; every status but 401 is an answer. */
export type Post = (content: string, way: Way) => Promise<Reply>;

const type = 'application/soap+xml;charset=UTF-8';

/**
 * Logs in on the way. An NTLM login belongs to its connection, so that the client must have only
 * one; where the server wants to know again who we are, it has done nothing of what was asked.
 */
export function createPost(http: Http, path: string, credentials: Credentials): Post {
  let known = false;
  const send = (way: Way, authorization: string, content: string): Promise<Reply> =>
    http.request('POST', path, {
      ...way,
      ...(content === '' ? {} : { body: { type, content } }),
      ...(authorization === '' ? {} : { headers: { authorization } }),
    });

  if (credentials.scheme === 'basic') {
    const both = Buffer.from(`${wholeUser(credentials)}:${credentials.password}`, 'utf8');
    return async (content, way) => {
      const reply = await send(way, `Basic ${both.toString('base64')}`, content);
      if (reply.status === 401) throw refused(reply, credentials);
      return reply;
    };
  }

  const logIn = async (content: string, way: Way): Promise<Reply> => {
    const first = negotiateMessage();
    const asking = { ...way, harmless: true };
    const reply = await send(asking, `Negotiate ${first.toString('base64')}`, '');
    if (reply.status !== 401) return reply;
    const token = tokenOf(reply);
    if (token === undefined) throw refused(reply, credentials);
    const { createHash, createHmac, randomBytes } = await import('node:crypto');
    const crypto = { createHash, createHmac };
    const last = authenticateMessage(crypto, first, readChallenge(token), {
      account: credentials,
      target: `HTTP/${credentials.host}`,
      binding: channelBinding(crypto, reply.certificate() ?? Buffer.alloc(0)),
      clientNonce: randomBytes(8),
      sessionKey: randomBytes(16),
    });
    const answer = await send(way, `Negotiate ${last.toString('base64')}`, content);
    if (answer.status === 401) throw refused(answer, credentials);
    known = true;
    return answer;
  };

  return async (content, way) => {
    if (!known) return logIn(content, way);
    const reply = await send(way, '', content);
    return reply.status === 401 ? logIn(content, way) : reply;
  };
}

function tokenOf(reply: Reply): Buffer | undefined {
  const found = /(?:^|,)\s*Negotiate\s+([A-Za-z0-9+/=]+)/i.exec(challenges(reply));
  return found?.[1] === undefined ? undefined : Buffer.from(found[1], 'base64');
}

function challenges(reply: Reply): string {
  return reply.headers('www-authenticate').join(', ');
}

function wholeUser({ domain, user }: Account): string {
  return domain === '' ? user : `${domain}\\${user}`;
}

function refused(reply: Reply, credentials: Credentials): Failure {
  const offers = challenges(reply);
  const wanted = credentials.scheme === 'basic' ? 'Basic' : 'Negotiate';
  const { endpoint } = reply;
  if (offers !== '' && !new RegExp(`(^|,)\\s*${wanted}\\b`, 'i').test(offers)) {
    const names = offers.replace(/\s+[^,]*/g, '');
    return new Failure('config', `WinRM at ${endpoint} does not offer ${wanted}, only ${names}`, {
      advice: `Enable it there (Set-Item WSMan:\\localhost\\Service\\Auth\\${wanted} $true) or change the setting authentication`,
      outage: true,
      reason: 'login',
    });
  }
  return new Failure(
    'denied',
    `WinRM at ${endpoint} refused the account ${wholeUser(credentials)}`,
    {
      advice:
        credentials.scheme === 'basic'
          ? 'Check username and password; Basic works for local accounts only'
          : 'Check username, domain and password; is it locked, in "Protected Users", is NTLM switched off in its domain, or does something between here and there open the TLS connection?',
      outage: true,
    },
  );
}
