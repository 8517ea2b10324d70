import type { Endpoint } from '../../../kit/http/address.ts';

/** The address as operators give it to virsh, for the one transport that there is. */
export const addressPattern =
  /^qemu\+tls:\/\/(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*)(:\d{1,5})?\/system$/i;

const tlsPort = 16514;

/** Takes an address apart that fits the pattern. */
export function endpointOf(url: string): Endpoint {
  const [, hostname = '', port] = addressPattern.exec(url) ?? [];
  const number = port === undefined ? tlsPort : Number(port.slice(1));
  return {
    url: `qemu+tls://${hostname}:${number}/system`,
    secure: true,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: number,
    authority: `${hostname}:${number}`,
    prefix: '',
  };
}
