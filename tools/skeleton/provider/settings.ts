import type { Fields, Values } from '../../../src/contract/field.ts';
import { text } from '../../../src/kit/fields.ts';
import {
  allowedTemplates,
  caFile,
  deleteAdopted,
  graceSeconds,
  templateId,
  tlsFingerprint,
  verifyTlsCertificate,
} from '../../../src/lifecycle/shared-settings.ts';

/** How the operator lets us in, and what the operator allows. */
export const settings = {
  url: {
    about: 'Address of the API',
    schema: text({ pattern: /^https:\/\/\S+$/, wants: 'an https:// address' }),
    required: true,
    example: 'https://acme.example.org',
  },
  token: { about: 'Token of the API', schema: text(), required: true, secret: true },
  verify_tls_certificate: verifyTlsCertificate,
  tls_fingerprint: tlsFingerprint,
  ca_file: caFile,
  allowed_templates: allowedTemplates,
  grace_seconds: graceSeconds,
  delete_adopted: deleteAdopted,
} as const satisfies Fields;

export type Settings = Values<typeof settings>;

/** The choices of an instance within the operator's limits. */
export const blueprint = {
  template_id: { ...templateId, required: true, example: 'debian-12' },
} as const satisfies Fields;

export type Blueprint = Values<typeof blueprint>;
