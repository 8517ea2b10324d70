import { statSync } from 'node:fs';
import * as v from 'valibot';
import { Failure } from '../../failure.ts';
import { issueWords, members } from '../../kit/issue-words.ts';
import type { Option } from '../command.ts';
import { parseJson, readText } from '../json.ts';
import type { Access } from './client.ts';

/** The options of every command that speaks with CloudStack's API. */
export const apiOptions: Readonly<Record<string, Option>> = {
  credentials: {
    type: 'string',
    value: 'FILE',
    about: 'JSON: url, api_key, secret_key; - for stdin',
  },
  api: { type: 'string', value: 'URL', about: "CloudStack's API, in place of the file's" },
};

export const apiHelp = `
CloudStack's API is called with the keys of a root administrator, from a JSON file that only
you can read:  {"url": "https://mgmt.example.org:8443/client/api", "api_key": "...",
"secret_key": "...", "tls_fingerprint": "...", "ca_file": "/path/ca.pem"}  (the last two as
needed), or from CLOUDSTACK_API_URL, CLOUDSTACK_API_KEY and CLOUDSTACK_SECRET_KEY.`;

interface Asked {
  text(name: string): string | undefined;
  readonly world: { readonly env: Readonly<Record<string, string | undefined>> };
}

/** How to reach the API; `undefined` when nothing at all was given; throws `usage` for half of it. */
export function readAccess({ text, world: { env } }: Asked): Access | undefined {
  const file = text('credentials');
  const given = file === undefined ? {} : readCredentials(file);
  const url = filled(text('api') ?? given.url ?? env['CLOUDSTACK_API_URL']);
  const apiKey = filled(given.api_key ?? env['CLOUDSTACK_API_KEY']);
  const secretKey = filled(given.secret_key ?? env['CLOUDSTACK_SECRET_KEY']);
  if (url === undefined || apiKey === undefined || secretKey === undefined) {
    const parts = Object.entries({ url, api_key: apiKey, secret_key: secretKey });
    const missing = parts.filter(([, value]) => value === undefined).map(([name]) => name);
    if (file === undefined && missing.length === parts.length) return undefined;
    throw new Failure('usage', `CloudStack's API cannot be called: ${missing.join(', ')} missing`, {
      advice:
        'Give url, api_key and secret_key in the file of --credentials, or CLOUDSTACK_API_URL, CLOUDSTACK_API_KEY and CLOUDSTACK_SECRET_KEY',
    });
  }
  const pins = (given.tls_fingerprint ?? '').split(',').map((pin) => pin.trim());
  const tls = {
    verify: true,
    fingerprints: pins.filter((pin) => pin !== ''),
    ...(given.ca_file === undefined ? {} : { ca: readText(given.ca_file) }),
  };
  return { url: checked(url), apiKey, secretKey, tls };
}

function filled(text: string | undefined): string | undefined {
  return text?.trim() || undefined;
}

/** The same for what cannot do without. */
export function demandAccess(asked: Asked): Access {
  const access = readAccess(asked);
  if (access !== undefined) return access;
  throw new Failure('usage', "CloudStack's API is needed for this, and no access was given", {
    advice:
      'Give --credentials FILE, or CLOUDSTACK_API_URL, CLOUDSTACK_API_KEY and CLOUDSTACK_SECRET_KEY',
  });
}

function checked(url: string): string {
  if (/^https?:\/\/[^/\s@?#]+\/[^\s@?#]*[^/\s@?#]\/?$/i.test(url)) return url;
  throw new Failure(
    'usage',
    `"${url.replace(/\/\/[^/]*@/, '//***@')}" is not the address of an API`,
    {
      advice: 'It looks like https://management.example.org:8443/client/api',
    },
  );
}

function readCredentials(given: string) {
  const file = given === '-' ? 'standard input' : given;
  const text = given === '-' ? readText(file, 0) : readText(file);
  // A user who can read this file has the rights of a root administrator of the cloud.
  if (given !== '-' && (statSync(file).mode & 0o007) !== 0) {
    throw new Failure('usage', `All users may read ${file}, which holds the keys of the cloud`, {
      advice: `chmod 0600 ${file}`,
    });
  }
  const word = v.optional(v.string());
  const schema = members({
    ...{ url: word, api_key: word, secret_key: word },
    ...{ tls_fingerprint: word, ca_file: word },
  });
  const result = v.safeParse(schema, parseJson(file, text));
  if (result.success) return result.output;
  throw new Failure('usage', `${file} is invalid: ${issueWords(result.issues)}`, {
    advice: 'It knows the texts url, api_key, secret_key, tls_fingerprint and ca_file',
  });
}
