import { connect } from 'node:net';
import type { Check } from '../../../contract/provider.ts';
import { readAddresses } from '../actions/console-address.ts';
import { hostOf, readEndpoints } from '../api/endpoint.ts';
import type { Settings } from '../settings.ts';

/** Where the nodes' own server listens; consoles have ports of their own. */
const serverPort = 8006;
const limitMs = 2000;

/**
 * Whether the addresses that the console proxy is told can be reached from here. A port of a console
 * serves one client only, who may be somebody else's, so that none is tried.
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

/** Why an address cannot be reached; a refused connection shows that somebody is there. */
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
