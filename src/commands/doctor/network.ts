import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { Deadline } from '../../contract/context.ts';
import type { Check, Provider } from '../../contract/provider.ts';
import { Failure, fullText } from '../../failure.ts';
import { type Endpoint, readEndpoint } from '../../kit/http/address.ts';
import { createHttp } from '../../kit/http/client.ts';
import { type Attempt, transportFailure } from '../../kit/http/errors.ts';
import type { Tls } from '../../kit/http/tls.ts';
import { silent } from '../../kit/log.ts';
import { tlsChecks } from './certificate.ts';
import { fail, ok, skipped, warn } from './finding.ts';

const timeoutMs = 10_000;

/** From the name to the clock of one endpoint; what cannot work without the one before is skipped. */
export async function networkChecks(
  title: string,
  endpoint: Endpoint,
  tls: Tls,
  deadline: Deadline,
): Promise<Check[]> {
  const attempt: Attempt = { title, endpoint, what: 'a connection' };
  const dns = await nameCheck(attempt, deadline);
  if (dns.state === 'fail') return [dns, skipped('connection', 'there is no address')];
  const tcp = await connectionCheck(attempt);
  if (tcp.state === 'fail') return [dns, tcp];
  const secure = endpoint.secure
    ? await tlsChecks(title, endpoint, tls, timeoutMs)
    : [warn('TLS', 'plain http: secrets travel in the clear', 'Use an https:// address')];
  const clock = secure.some(({ state }) => state === 'fail')
    ? skipped('clock', 'nothing can be asked without TLS')
    : await clockCheck(title, endpoint, tls, deadline);
  return [dns, tcp, ...secure, clock];
}

async function nameCheck(attempt: Attempt, deadline: Deadline): Promise<Check> {
  const { host } = attempt.endpoint;
  if (isIP(host) !== 0) return ok('name', `${host} is an address, nothing to look up`);
  try {
    const found = await deadline.within(lookup(host, { all: true }), `looking up ${host}`);
    const addresses = found.map(({ address }) => address);
    return ok('name', `${host} is ${addresses.slice(0, 4).join(', ')}`);
  } catch (thrown) {
    return failed('name', transportFailure(thrown, attempt, 'no'));
  }
}

async function connectionCheck(attempt: Attempt): Promise<Check> {
  const { host, port, authority } = attempt.endpoint;
  const startedMs = performance.now();
  try {
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port, autoSelectFamily: true });
      const late = Object.assign(new Error('late'), { code: 'ETIMEDOUT' });
      socket.setTimeout(timeoutMs, () => socket.destroy(late));
      socket.once('connect', () => resolve(void socket.destroy())).once('error', reject);
    });
    const ms = Math.round(performance.now() - startedMs);
    return ok('connection', `${authority} answers within ${Math.max(1, ms)} ms`);
  } catch (thrown) {
    return failed('connection', transportFailure(thrown, attempt, 'no'));
  }
}

/** Servers say in every answer what time it is, to the second. */
async function clockCheck(
  title: string,
  { url }: Endpoint,
  tls: Tls,
  deadline: Deadline,
): Promise<Check> {
  const http = createHttp({
    ...{ title, endpoints: [url], tls, deadline, log: silent },
    ...{ allowPlainHttp: true, readRetries: 0 },
  });
  try {
    const beforeMs = Date.now();
    const reply = await http.request('GET', '/', { limitMs: timeoutMs });
    const hereMs = (beforeMs + Date.now()) / 2;
    const thereMs = Date.parse(reply.header('date') ?? '');
    if (Number.isNaN(thereMs)) return skipped('clock', `${title} does not tell the time`);
    return judgeClock(title, Math.round((hereMs - thereMs) / 1000));
  } catch (thrown) {
    return failed('clock', Failure.from(thrown));
  } finally {
    http.close();
  }
}

function judgeClock(title: string, seconds: number): Check {
  const apart = Math.abs(seconds);
  if (apart <= 5) return ok('clock', `the same as ${title}'s, to ${Math.max(1, apart)} s`);
  const found = `this server is ${apart} s ${seconds > 0 ? 'ahead of' : 'behind'} ${title}`;
  const advice = 'Set both clocks by NTP: logins, tokens and certificates depend on the time';
  return apart <= 60 ? warn('clock', found, advice) : fail('clock', found, advice);
}

function failed(name: string, failure: Failure): Check {
  return fail(name, fullText(failure));
}

/** The URLs of the remote system: the provider names them, else every setting that is one counts. */
export function endpointsOf(
  provider: Provider,
  settings: Readonly<Record<string, unknown>>,
): readonly string[] {
  const named = provider.endpoints?.(settings) ?? guessed(settings);
  return [...new Set(named)].filter(isUsable);
}

function guessed(settings: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(settings)
    .filter(([key]) => !key.startsWith('console'))
    .flatMap(([, value]) => value)
    .filter((value): value is string => typeof value === 'string' && /^https?:\/\//i.test(value));
}

function isUsable(url: string): boolean {
  try {
    readEndpoint(url, { title: 'it', allowPlainHttp: true });
    return true;
  } catch {
    return false;
  }
}
