/** An API key taken apart. */
export interface ApiKey {
  readonly consumer: string;
  readonly token: string;
  readonly secret: string;
}

export const apiKeyPattern: RegExp =
  /^[\x21-\x39\x3b-\x7e]+:[\x21-\x39\x3b-\x7e]+:[\x21-\x39\x3b-\x7e]+$/;

/** Of a text that matches the pattern. */
export function readApiKey(text: string): ApiKey {
  const [consumer = '', token = '', secret = ''] = text.split(':');
  return { consumer, token, secret };
}

/**
 * The Authorization header of one request: OAuth 1.0 with the PLAINTEXT signature that MAAS
 * documents, whose consumer secret is empty.
 *
 * MAAS takes a nonce once and a timestamp for five minutes, so that every try needs its own header.
 */
export function authorization({ consumer, token, secret }: ApiKey, nowMs: number): string {
  const fields = {
    oauth_version: '1.0',
    oauth_signature_method: 'PLAINTEXT',
    oauth_consumer_key: consumer,
    oauth_token: token,
    oauth_signature: `&${secret}`,
    oauth_timestamp: String(Math.floor(nowMs / 1000)),
    oauth_nonce: nonce(),
  };
  const pairs = Object.entries(fields).map(
    ([key, value]) => `${key}="${encodeURIComponent(value)}"`,
  );
  return `OAuth ${pairs.join(', ')}`;
}

/** Has to be different each time and need not be secret, so crypto stays unloaded. */
function nonce(): string {
  const part = (): string => Math.random().toString(36).slice(2).padEnd(11, '0');
  return `${part()}${part()}`;
}
