export interface FakeUser {
  readonly name: string;
  readonly admin: boolean;
  readonly key: string;
}

export type Refusal = { readonly status: number; readonly body: string };

const acceptedAgeSeconds = 300;

/** Checks a request's header the way MAAS does; the texts are those of 3.4. */
export function createDoorkeeper(users: readonly FakeUser[], nowMs: () => number) {
  const nonces = new Set<string>();
  return (header: string | undefined): FakeUser | Refusal => {
    if (header === undefined)
      return { status: 400, body: 'Unrecognised signature: method=GET op=None' };
    const fields = readHeader(header);
    if (fields === undefined) return { status: 401, body: 'Authorization Error: Invalid request.' };
    const user = users.find(({ key }) => {
      const [consumer, token] = key.split(':');
      return fields['oauth_consumer_key'] === consumer && fields['oauth_token'] === token;
    });
    if (user === undefined) {
      return { status: 401, body: 'Authorization Error: Invalid API key.' };
    }
    const secret = user.key.split(':')[2];
    const wanted = `&${secret}`;
    if (fields['oauth_signature_method'] !== 'PLAINTEXT' || fields['oauth_version'] !== '1.0') {
      return { status: 401, body: 'Authorization Error: Invalid request.' };
    }
    if (fields['oauth_signature'] !== wanted) {
      const body = `Authorization Error: Invalid signature. Expected signature base string: ${wanted}`;
      return { status: 401, body };
    }
    const age = nowMs() / 1000 - Number(fields['oauth_timestamp']);
    if (!(age <= acceptedAgeSeconds)) {
      const body = `Authorization Error: Expired timestamp: given ${fields['oauth_timestamp']}`;
      return { status: 401, body };
    }
    const nonce = `${user.name} ${fields['oauth_nonce']}`;
    if (fields['oauth_nonce'] === undefined || nonces.has(nonce)) {
      return {
        status: 401,
        body: `Authorization Error: Nonce already used: ${fields['oauth_nonce']}`,
      };
    }
    nonces.add(nonce);
    return user;
  };
}

function readHeader(header: string): Readonly<Record<string, string>> | undefined {
  if (!header.startsWith('OAuth ')) return undefined;
  const fields: Record<string, string> = {};
  for (const part of header.slice(6).split(',')) {
    const match = /^\s*(\w+)="([^"]*)"\s*$/.exec(part);
    if (match === null) return undefined;
    fields[match[1] as string] = decodeURIComponent(match[2] as string);
  }
  return fields;
}
