import type { Fields, Values } from '../../contract/field.ts';
import { isUserData, userDataIssue } from '../../guest/user-data.ts';
import { matchesAny, text, yesNo } from '../../kit/fields.ts';
import { userData } from '../../lifecycle/shared-settings.ts';
import { type Settings, tags } from './settings.ts';

const word = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The details that an instance may choose. */
export const blueprint = {
  os: {
    about:
      'The operating system that `distro_series` belongs to, where that does not say it itself',
    schema: text({ most: 64, pattern: word, wants: 'the name of an operating system' }),
    example: 'ubuntu',
  },
  distro_series: {
    about: 'The system to install, such as `jammy` or `ubuntu/jammy`; unset: the default of MAAS',
    schema: text({
      most: 128,
      pattern: /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/,
      wants: 'a series such as jammy or ubuntu/jammy',
    }),
    within: 'allowed_series',
    example: 'ubuntu/jammy',
  },
  architecture: {
    about: 'The architecture a machine must have; unset: any',
    schema: text({
      most: 64,
      pattern: /^[A-Za-z0-9_-]+(\/[A-Za-z0-9._-]+)?$/,
      wants: 'an architecture such as amd64 or amd64/generic',
    }),
    example: 'amd64',
  },
  maas_system_id: {
    about: 'The system id of the one machine that will do; unset: any that fits',
    schema: text({
      most: 41,
      pattern: /^[A-Za-z0-9-]{1,41}$/,
      wants: 'the system id of a machine',
    }),
    example: '4y3h7n',
  },
  vm_name: {
    about: "The machine's name in MAAS where `set_hostname` is on; unset: the instance name",
    schema: text({
      most: 63,
      pattern: /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/,
      wants: 'a host name of letters, digits and "-"',
    }),
    example: 'web1',
  },
  pool: {
    about: 'The resource pool to take a machine from; unset: any',
    schema: text({
      most: 256,
      pattern: /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/,
      wants: 'the name of a pool',
    }),
    within: 'allowed_pools',
    example: 'cloud',
  },
  zone: {
    about: 'The availability zone of MAAS to take a machine from; unset: any',
    schema: text({ most: 256, pattern: /^\w[ \w.-]*$/, wants: 'the name of a zone' }),
    example: 'rack-1',
  },
  tags: { about: 'Tags that a machine must have', schema: tags, example: 'gpu,nvme' },
  not_tags: { about: 'Tags that a machine must not have', schema: tags, example: 'slow' },
  storage: {
    about:
      'Disks that a machine must have, in the words of MAAS: `label:size(tag,...),...`, sizes in GB',
    schema: text({
      most: 300,
      pattern: /^[\w.:,() -]+$/,
      wants: 'a storage constraint such as root:100(ssd),data:500',
    }),
    example: 'root:100(ssd)',
  },
  hwe_kernel: {
    about:
      'The kernel to install, such as `hwe-22.04` or `ga-22.04-lowlatency`; unset: the default of MAAS',
    schema: text({
      most: 64,
      pattern: /^(ga|hwe)-[a-z0-9.]+(-[a-z0-9.]+)*$/,
      wants: 'a kernel such as hwe-22.04 or ga-22.04-lowlatency',
    }),
    example: 'hwe-22.04',
  },
  ephemeral_deploy: {
    about: 'Whether the system runs from memory, so that every start installs it anew',
    schema: yesNo,
    default: 'false',
  },
  user_data: {
    ...userData,
    about: 'What cloud-init shall do at the first boot, as it is or in base64',
  },
} as const satisfies Fields;

export type Blueprint = Values<typeof blueprint>;

/** The one word for system and series that MAAS takes; `undefined` leaves it to MAAS. */
export function seriesOf({ os, distro_series }: Pick<Blueprint, 'os' | 'distro_series'>) {
  if (distro_series === undefined || os === undefined) return distro_series;
  return distro_series.includes('/') ? distro_series : `${os}/${distro_series}`;
}

/** The problems that no detail shows alone, such as two details that contradict each other. */
export function blueprintIssues(
  { os, distro_series, pool, user_data }: Blueprint,
  { allowed_pools, allowed_series }: Settings,
): readonly string[] {
  const issues: string[] = [];
  const series = seriesOf({ os, distro_series }) ?? '';
  const [system, release = ''] = series.split('/');
  if (os !== undefined && distro_series?.includes('/') === true && system !== os) {
    issues.push(`"os" (${os}) and "distro_series" (${distro_series}) contradict each other`);
  }
  // The two together may say what neither is allowed to say alone.
  const names = os === 'ubuntu' ? [series, release] : [series];
  const limited = os !== undefined && series.includes('/') && allowed_series !== undefined;
  if (limited && !names.some((name) => matchesAny(name, allowed_series))) {
    issues.push(`the series ${series} is not allowed by the operator's "allowed_series"`);
  }
  if (allowed_pools !== undefined && pool === undefined) {
    issues.push(
      '"pool" is missing: with "allowed_pools", a detail of the host or the instance has to name one',
    );
  }
  if (user_data !== undefined && !isUserData(user_data)) {
    issues.push(userDataIssue);
  }
  return issues;
}
