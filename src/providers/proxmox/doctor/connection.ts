import { connect } from 'node:net';
import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { Failure, fullText } from '../../../failure.ts';
import { createApi } from '../api/client.ts';
import { hostOf, readAddresses, readEndpoints } from '../api/endpoint.ts';
import { recordOf, textOf } from '../api/wire.ts';
import type { Settings } from '../settings.ts';
import type { Connection } from '../settings-connection.ts';

/** Certificates and tokens that end within so many days are warned of. */
export const soonDays = 30;

export interface Reached {
  readonly checks: readonly Check[];
  /** The version of the first server that answered; `undefined` when none did. */
  readonly version: string | undefined;
}

/** Asks every server in the url, since each has a certificate of its own. */
export async function checkEndpoints(settings: Connection, context: Context): Promise<Reached> {
  const urls = readEndpoints(settings.url) ?? [];
  const checks: Check[] = [];
  let version: string | undefined;
  for (const url of urls) {
    const suffix = urls.length === 1 ? '' : ` ${new URL(url).host}`;
    try {
      const api = createApi({ ...settings, url }, context);
      const answer = await api.send('GET', '/version', { what: 'ask for the version' });
      const found = textOf(recordOf(answer.data)['version']) ?? 'unknown';
      if (version === undefined) checks.push(checkVersion(found, url));
      version ??= found;
      checks.push(await checkCertificate(answer.certificate(), `certificate${suffix}`));
    } catch (thrown) {
      const found = fullText(Failure.from(thrown));
      checks.push({ name: `connection${suffix}`, state: 'fail', found });
    }
  }
  return { checks, version };
}

function checkVersion(version: string, endpoint: string): Check {
  const major = Number(version.split('.')[0]);
  const found = `${version} at ${endpoint}`;
  if (major === 8 || major === 9) return { name: 'version', state: 'ok', found };
  return { name: 'version', state: 'warn', found, advice: 'Tried with Proxmox VE 8.4 and 9.1' };
}

export async function checkCertificate(
  der: Buffer | undefined,
  name: string,
  nowMs = Date.now(),
): Promise<Check> {
  if (der === undefined) return { name, state: 'skipped', found: 'none was shown' };
  const { X509Certificate } = await import('node:crypto');
  const { validTo, fingerprint256 } = new X509Certificate(der);
  const days = Math.floor((Date.parse(validTo) - nowMs) / 86_400_000);
  const found = `valid for ${days} more days, SHA-256 ${fingerprint256}`;
  if (days > soonDays) return { name, state: 'ok', found };
  return {
    name,
    state: 'warn',
    found,
    advice: 'Renew it, and add the new fingerprint to tls_fingerprint before the old one goes',
  };
}

/** Where the nodes' own server listens; consoles have ports of their own. */
const serverPort = 8006;
const limitMs = 2000;

/**
 * Whether the addresses that the console proxy is told can be reached from here. A port of a console
 * serves one client only, which may be a tenant's, so that none is tried.
 */
export async function checkConsole(settings: Settings): Promise<Check> {
  const { url, console_address: given, console_url: page } = settings;
  const name = 'console';
  if (page !== undefined) return { name, state: 'ok', found: page };
  const own = (readEndpoints(url) ?? []).map(hostOf);
  const addresses = given === undefined ? own : [...new Set(readAddresses(given).values())];
  const silent = (await Promise.all(addresses.map((one) => troubleAt(one, own)))).flat();
  const found = `${addresses.join(', ')}, ports 5900 to 5999`;
  if (silent.length > 0) {
    const advice =
      'This server may be kept out on purpose; the console proxy VM has to reach it from its network';
    return { name, state: 'warn', found: `${found}; from here ${silent.join(', ')}`, advice };
  }
  const advice =
    'The console proxy VM has to reach it; the ports were not tried, since each serves one console';
  return { name, state: 'ok', found, advice };
}

/** Why an address cannot be reached; a refused connection shows that a host is there. */
async function troubleAt(address: string, reached: readonly string[]): Promise<readonly string[]> {
  if (reached.includes(address)) return [];
  const host = address.replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: serverPort, timeout: limitMs });
  const trouble = await new Promise<string>((resolve) => {
    socket.once('connect', () => resolve(''));
    socket.once('timeout', () => resolve('no answer'));
    socket.once('error', ({ code = 'error' }: NodeJS.ErrnoException) => resolve(code));
  });
  socket.destroy();
  return /^(|ECONNREFUSED)$/.test(trouble) ? [] : [`${address} is not reached (${trouble})`];
}
