import * as v from 'valibot';
import type { Fields, Values } from '../../contract/field.ts';
import { text } from '../../kit/fields.ts';
import { caFile, tlsFingerprint, verifyTlsCertificate } from '../../lifecycle/shared-settings.ts';
import { readEndpoints } from './api/endpoint.ts';

const tokenName = text({
  most: 130,
  pattern: /^([^\s=!,]+!)?[A-Za-z][A-Za-z0-9._-]+$/,
  wants: 'the name of a token: a letter, then one or more letters, digits, ".", "_" or "-"',
});
const secretText = text({ most: 200, pattern: /^[^\s,=]+$/, wants: 'a secret without blanks' });

/** The way to the cluster, for both halves. */
export const connectionSettings = {
  url: {
    about:
      'Where the cluster is: hosts, host:port or URLs, several separated by commas; a bare host means port 8006',
    schema: () =>
      v.pipe(
        text({ most: 1000 })(),
        v.check(
          (given) => readEndpoints(given) !== undefined,
          'must be hosts or https:// URLs, separated by commas, without user names and queries',
        ),
      ),
    required: true,
    example: 'https://pve1.example.org:8006',
  },
  user: {
    about: 'The user that the API token belongs to',
    schema: text({
      most: 64,
      pattern: /^[^\s!=,/:]+@[A-Za-z][A-Za-z0-9._-]+$/,
      wants: 'a user with its realm',
    }),
    required: true,
    example: 'cloudstack@pve',
  },
  token: {
    about: 'The name of the API token',
    schema: tokenName,
    required: true,
    example: 'cs1',
  },
  secret: {
    about: 'The secret of the API token',
    schema: secretText,
    required: true,
    secret: true,
  },
  token_next: {
    about: 'The token to use when the first is refused, while one is being replaced by the other',
    schema: tokenName,
    example: 'cs2',
  },
  secret_next: {
    about: 'The secret to use when the first is refused; without token_next for the same token',
    schema: secretText,
    secret: true,
  },
  verify_tls_certificate: verifyTlsCertificate,
  tls_fingerprint: tlsFingerprint,
  ca_file: caFile,
} as const satisfies Fields;

export type Connection = Values<typeof connectionSettings>;

export function connectionIssues({
  token_next,
  secret_next,
}: Pick<Connection, 'token_next' | 'secret_next'>): readonly string[] {
  if (token_next === undefined || secret_next !== undefined) return [];
  return ['"token_next" needs "secret_next"'];
}
