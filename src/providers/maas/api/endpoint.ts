const port = 5240;
/** The ports on which MAAS or a proxy before it speaks TLS. */
const securePorts: readonly string[] = ['443', '5443'];

/**
 * The base URL of the API for what an operator writes as `endpoint`.
 *
 * A bare host means http on port 5240, as with the built-in extension, and so does an http:// URL
 * without a port; everything else is taken as it stands. `undefined` for what is none of these.
 */
export function apiUrl(endpoint: string): string | undefined {
  const text = endpoint.trim().replace(/\/+$/, '');
  if (/\s/.test(text) || /^(?!https?:)[a-z][a-z0-9+.-]*:\/\//i.test(text)) return undefined;
  const url = parse(withScheme(text));
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return undefined;
  }
  const plain = url.protocol === 'http:' && url.port === '' && !/:80(\/|$)/.test(text);
  const host = plain ? `${url.hostname}:${port}` : url.host;
  return `${url.protocol}//${host}${prefix(url.pathname)}/api/2.0`;
}

function withScheme(text: string): string {
  if (/^https?:\/\//i.test(text)) return text;
  const bare = text.split('/')[0] ?? '';
  // More than one colon without brackets is an IPv6 address and no port.
  if ((bare.match(/:/g) ?? []).length > 1 && !bare.startsWith('[')) {
    return `http://[${bare}]${text.slice(bare.length)}`;
  }
  const given = /:(\d+)$/.exec(bare)?.[1] ?? '';
  return `${securePorts.includes(given) ? 'https' : 'http'}://${text}`;
}

/** People give the address with or without what all addresses of MAAS have in common. */
function prefix(path: string): string {
  const rest = path.replace(/\/+$/, '').replace(/\/api(\/2\.0)?$/, '');
  return /\/MAAS$/.test(rest) ? rest : `${rest}/MAAS`;
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
