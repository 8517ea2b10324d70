const defaultPort = 8006;

/**
 * The base URLs in a list of addresses: hosts, host:port or URLs, separated by commas.
 *
 * `undefined` when one of them is no address. A bare host means port 8006; `/api2/json` at the end
 * is ours to add. A URL with another path is a reverse proxy's and keeps the port of its scheme.
 */
export function readEndpoints(text: string): readonly string[] | undefined {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const urls = parts.map(toUrl);
  return urls.length > 0 && urls.every((url) => url !== undefined) ? (urls as string[]) : undefined;
}

function toUrl(part: string): string | undefined {
  const withScheme = part.includes('://') ? part : `https://${bracketed(part)}`;
  if (!withScheme.startsWith('https://') || /[\s@?#]/.test(withScheme)) return undefined;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    return undefined;
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/api2(\/(json|extjs))?$/, '');
  const port =
    url.port !== '' ? url.port : path === '' && !saysPort(withScheme) ? defaultPort : '443';
  return `https://${url.hostname}:${port}${path}`;
}

/** `:443` is dropped by URL, but an operator who writes it means it. */
function saysPort(url: string): boolean {
  return /^https:\/\/[^/]*:443(\/|$)/.test(url);
}

/** IPv6 without its brackets. */
function bracketed(part: string): string {
  return /^[0-9a-f]*:[0-9a-f:]*:[0-9a-f.:]*$/i.test(part) ? `[${part}]` : part;
}

/** The host in a base URL as other programs want it, IPv6 without brackets. */
export function hostOf(endpoint: string): string {
  return new URL(endpoint).hostname.replace(/^\[|\]$/g, '');
}

/** The addresses in `console_address` by host or node; one that is for all of them under ''. */
export function readAddresses(given: string): ReadonlyMap<string, string> {
  if (!given.includes('=')) return new Map([['', given]]);
  return new Map(
    given.split(',').map((entry): [string, string] => {
      const [name = '', address = ''] = entry.split('=').map((part) => part.trim());
      return [name, address];
    }),
  );
}
