import type { Json } from '../../cloudstack/recorded.ts';

/*
 * Markers that are put into every payload to be looked for afterwards: secrets, which no output may hold;
 * words of a tenant, which no setting may hold; and names of others, which no tenant may read.
 */

export const secretWord = 'S3CR3T';
export const tenantWord = 'T3NANT';
export const tenantNumber = 47;
export const foreignWord = 'F0REIGN';

/** Secrets in the forms that are hard to find again in a text. */
export const secretTexts: readonly string[] = [
  `${secretWord}-plain-0001`,
  `${secretWord}-"quoted" \\ back\\slash`,
  `${secretWord}-per%cent &amp; a=b;c $&$1`,
  `${secretWord}-Za\u017c\u00f3\u0142\u0107 \ud83d\ude00`,
  `${secretWord}-half-\ud800`,
  `  ${secretWord}-between-blanks  `,
  `${secretWord}/with/slashes@and:colons`,
  `${secretWord}-${'long'.repeat(50)}`,
];

/** Each of them would be taken as it is: what is refused could not be seen to have counted. */
const settingsOfTenant: Readonly<Record<string, string>> = {
  url: `https://${tenantWord}.example.org`,
  address: `https://${tenantWord}.example.org`,
  secret: `${tenantWord}-secret`,
  nodes: tenantWord,
  allowed_templates: `9*,${tenantWord}-*`,
  installation: tenantWord,
  grace_seconds: String(tenantNumber),
  max_disk_gb: String(tenantNumber),
  verify: 'false',
  admin_actions_without_caller: 'true',
};

interface Markers {
  readonly role: string | undefined;
  readonly secret: string;
  readonly custom: string | null;
}

export function withMarkers(payload: Json, { role, secret, custom }: Markers): Json {
  if (role === undefined) delete payload['caller'];
  else payload['caller'] = { ...(payload['caller'] as Json), roletype: role };
  if (custom !== null) payload['action'] = custom;
  markOperator(payload, secret);
  markTenant(payload);
  return payload;
}

function markOperator(payload: Json, secret: string): void {
  const details = payload['externaldetails'] as Json | undefined;
  if (details === undefined) return;
  const { extension, host, resourcemap } = details as Record<string, Json>;
  Object.assign(extension ?? {}, { secret: `${secretWord}-weaker` });
  Object.assign(resourcemap ?? {}, {
    api_key: `${secretWord}-unknown`,
    nodes: `pve1,${foreignWord}`,
  });
  Object.assign(host ?? {}, {
    secret,
    passwrod: `${secretWord}-misspelt`,
    url: `https://user:${secretWord}-in-url@${foreignWord}.example.org`,
    allowed_templates: `9*,${foreignWord}-*`,
  });
}

function markTenant(payload: Json): void {
  const vm = payload['cloudstack.vm.details'] as Json | undefined;
  if (vm !== undefined) {
    vm['vncPassword'] = `${secretWord}-vnc`;
    const external = Object.entries(settingsOfTenant).map(([word, text]) => [
      `External:${word}`,
      text,
    ]);
    vm['details'] = {
      ...(vm['details'] as Json),
      ...settingsOfTenant,
      ...Object.fromEntries(external),
      password: `${secretWord}-guest`,
    };
  }
  const details = payload['externaldetails'] as Json | undefined;
  if (details?.['virtualmachine'] !== undefined) {
    Object.assign(details['virtualmachine'] as Json, settingsOfTenant);
  }
  if (payload['parameters'] !== undefined) {
    payload['parameters'] = { depth: 3, confirm: 'i-2-42-VM', adminpass: `${secretWord}-pw` };
  }
}
