import * as v from 'valibot';
import type { Fields, Values } from '../../contract/field.ts';
import { consoleAddress } from '../../kit/console-address.ts';
import { list, oneOf, patterns, text, wholeNumber, yesNo } from '../../kit/fields.ts';
import {
  caFile,
  consoleButton,
  deleteAdopted,
  graceSeconds,
  maxUserData,
  tlsFingerprint,
  verifyTlsCertificate,
} from '../../lifecycle/shared-settings.ts';
import { apiUrl } from './api/endpoint.ts';
import { apiKeyPattern } from './api/oauth.ts';

const poolName = /^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,254}[A-Za-z0-9._-])?$/;

const pools = list({ most: 64, pattern: poolName, wants: 'names of resource pools' });

export const tags = list({ most: 32, pattern: /^[\w.-]{1,255}$/, wants: 'names of tags' });

/** The placeholders that an operator's console address may hold. */
export const machineConsole = consoleAddress('name', 'uuid', 'system_id', 'hostname');

/** How MAAS is reached, what instances may choose and how their machines are handled. */
export const settings = {
  endpoint: {
    about:
      'Where MAAS is: a URL, host:port, or a bare host, which means http on port 5240 as with the built-in extension',
    schema: () =>
      v.pipe(
        text({ most: 500 })(),
        v.check(
          (given) => apiUrl(given) !== undefined,
          'must be a host, host:port or an http(s) URL without user, query and blanks',
        ),
      ),
    required: true,
    example: 'https://maas.example.org:5443',
  },
  apikey: {
    about: "The API key of a MAAS user, as `maas apikey` or the user's page shows it",
    schema: text({ most: 500, pattern: apiKeyPattern, wants: 'of the form consumer:token:secret' }),
    required: true,
    secret: true,
    example: 'consumer:token:secret',
  },
  api_user: {
    about:
      'The MAAS user that the key belongs to; a key of another user is then refused, since it would not see the machines of this one',
    schema: text({ most: 150, pattern: /^[\w.@+-]+$/, wants: 'the name of a MAAS user' }),
    example: 'cloudstack',
  },
  shared_user: {
    about:
      'Whether the key also shows deployed machines that are no instances: of its user, and of every user to an administrator. Otherwise an unmarked one is taken for an instance that waits for `outrigger adopt`',
    schema: yesNo,
    default: 'false',
  },
  verify_tls_certificate: verifyTlsCertificate,
  tls_fingerprint: tlsFingerprint,
  ca_file: caFile,
  allowed_pools: {
    about: 'Patterns of the resource pools that instances may choose; unset: every one',
    schema: patterns,
    example: 'cloud-*',
  },
  allowed_series: {
    about: 'Patterns of the series that instances may choose; unset: every one',
    schema: patterns,
    example: 'ubuntu/jammy,ubuntu/noble',
  },
  allowed_machines: {
    about: 'Patterns of the system ids that instances may ask for; unset: every one',
    schema: patterns,
    example: 'a*',
  },
  max_user_data: maxUserData,
  require_tags: {
    about: 'Tags that a machine must have, no matter what an instance chooses',
    schema: tags,
    example: 'cloud',
  },
  exclude_tags: {
    about: 'Tags that a machine must not have, no matter what an instance chooses',
    schema: tags,
    example: 'reserved',
  },
  match_offering: {
    about: 'Whether a machine needs at least the CPUs and the memory of the service offering',
    schema: yesNo,
    default: 'true',
  },
  nodes: {
    about:
      'The resource pools whose instances this host reports; unset: all that no other host reports',
    schema: pools,
    example: 'cloud-a',
  },
  other_nodes: {
    about: 'The resource pools whose instances other hosts report; this host leaves them alone',
    schema: pools,
    example: 'cloud-b',
  },
  interfaces: {
    about:
      'Which interface of the machine is which NIC, in their order: `boot`, a name, a MAC address, or `subnet:` with a name or CIDR',
    schema: list({
      most: 16,
      pattern: /^(boot|subnet:[\w .:/-]{1,100}|[\w.:-]{1,40})$/,
      wants: '"boot", interface names, MAC addresses or "subnet:..."',
    }),
    default: 'boot',
    example: 'boot,subnet:10.20.0.0/16',
  },
  hand_back_addresses: {
    about: 'Whether CloudStack records an IP address that MAAS has assigned before the deployment',
    schema: yesNo,
    default: 'true',
  },
  set_hostname: {
    about:
      "Whether the machine gets the instance's name in MAAS until it is released; needs the key of an administrator",
    schema: yesNo,
    default: 'false',
  },
  erase: {
    about:
      "How disks are erased when a machine is released: none, quick (the ends only), secure (the drive's own function), full (overwritten)",
    schema: oneOf('none', 'quick', 'secure', 'full'),
    default: 'none',
  },
  release_watch_seconds: {
    about: 'How long a released machine is watched, so that a failure is still reported',
    schema: wholeNumber({ min: 0, max: 600 }),
    default: '10',
    unit: 's',
  },
  deploy_timeout_seconds: {
    about: "How long a deployment may take; CloudStack's own time-out ends it earlier",
    schema: wholeNumber({ min: 30, max: 86_400 }),
    default: '3600',
    unit: 's',
  },
  power_timeout_seconds: {
    about:
      'How long a machine under deployment may be without power before the deployment is given up',
    schema: wholeNumber({ min: 1, max: 3600 }),
    default: '180',
    unit: 's',
  },
  avoid_failed_minutes: {
    about: 'How long a machine whose deployment failed is passed over for another; 0: never',
    schema: wholeNumber({ min: 0, max: 10_080 }),
    default: '60',
    unit: 'min',
  },
  grace_seconds: graceSeconds,
  delete_adopted: deleteAdopted,
  console_url: {
    about:
      "Address of an instance's console; {name} and {uuid} stand for the instance's own, {system_id} and {hostname} for its machine's",
    schema: machineConsole.schema,
    example: 'https://console.example.org/{system_id}',
  },
  console_button: consoleButton,
} as const satisfies Fields;

export type Settings = Values<typeof settings>;

/** The problems that no setting shows alone, such as two settings that contradict each other. */
export function settingsIssues({ nodes = [], other_nodes = [] }: Settings): readonly string[] {
  const twice = nodes.filter((name) => other_nodes.includes(name));
  return twice.length === 0 ? [] : [`"nodes" and "other_nodes" both name ${twice.join(', ')}`];
}
