import * as v from 'valibot';
import { text } from '../../kit/fields.ts';

/** A bare name, an address or a whole URL; never plain http. */
export function address(): v.GenericSchema<string, string> {
  return v.pipe(
    v.string(),
    v.trim(),
    v.maxLength(300, 'must not be longer than 300 characters'),
    v.check(
      (given) => !/^http:/i.test(given),
      'is plain http, which would send everything in the clear: WinRM over HTTPS is needed (port 5986)',
    ),
    v.check(
      (given) => readAddress(given) !== undefined,
      'must be a host name, or like https://hv1.example.org:5986',
    ),
    v.transform((given) => readAddress(given) ?? given),
  );
}

function readAddress(given: string): string | undefined {
  const bare = /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(given) ? `[${given}]` : given;
  const whole = /^https:\/\//i.test(bare) ? bare : `https://${bare}`;
  if (/:\/\//.test(whole.slice(8))) return undefined;
  try {
    const url = new URL(whole);
    const plain =
      url.username === '' && url.password === '' && url.search === '' && url.hash === '';
    if (!plain || url.protocol !== 'https:') return undefined;
    const port = /^https:\/\/(\[[^\]]*\]|[^/:]*)(:\d+)?(\/|$)/i.exec(whole)?.[2] ?? ':5986';
    return `https://${url.hostname}${port}${url.pathname.replace(/\/+$/, '')}`;
  } catch {
    return undefined;
  }
}

/** The base URL, the path of WinRM on it, and the host for the name of the service. */
export function addressOf({
  url,
  port,
}: {
  readonly url: string;
  readonly port?: number | undefined;
}): {
  readonly base: string;
  readonly path: string;
  readonly host: string;
} {
  const address = new URL(url);
  if (port !== undefined) address.port = String(port);
  const path = address.pathname.replace(/\/+$/, '');
  const shown = address.port === '' ? `${address.hostname}:443` : address.host;
  return {
    base: `https://${shown}`,
    path: path === '' ? '/wsman' : path,
    host: address.hostname.replace(/^\[(.*)\]$/, '$1'),
  };
}

/** Cmdlets take some names as patterns: characters that mean something there are refused. */
export function switchName(): v.GenericSchema<string, string> {
  return text({
    most: 100,
    pattern: /^[^*?[\]`"=]+$/,
    wants: 'the name of a virtual switch (without * ? [ ] = ` and ")',
  })();
}
