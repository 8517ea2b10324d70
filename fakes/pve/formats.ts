import { parseSize } from './property-string.ts';

/** Answers what is wrong with a text, in Proxmox's words and without the final newline. */
type Format = (text: string) => string | undefined;

const matches =
  (pattern: RegExp, complaint: string | ((text: string) => string)): Format =>
  (text) => {
    if (pattern.test(text)) return undefined;
    return typeof complaint === 'string' ? complaint : complaint(text);
  };

const listOf =
  (format: Format): Format =>
  (text) => {
    for (const item of splitList(text)) {
      const complaint = format(item);
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };

/** Lists are separated by commas, semicolons, blanks or NUL. */
export function splitList(text: string): string[] {
  return text.split(/[,;\s\0]+/).filter((item) => item !== '');
}

const configId = matches(/^[a-z][a-z0-9_-]+$/i, (text) => `invalid configuration ID '${text}'`);
const vmid = matches(/^[1-9][0-9]{2,8}$/, 'value does not look like a valid VM ID');
const node = matches(
  /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/,
  'value does not look like a valid node name',
);
const storage = matches(
  /^[a-z][a-z0-9\-_.]*[a-z0-9]$/i,
  (text) => `storage ID '${text}' contains illegal characters`,
);
const volume = matches(
  /^[a-z][a-z0-9\-_.]*[a-z0-9]:.+$/i,
  (text) => `unable to parse volume ID '${text}'`,
);
const pathOrVolume: Format = (text) =>
  text === 'none' || text === 'cdrom' || text.startsWith('/') ? undefined : volume(text);
const dnsLabel = '[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?';
const dnsName = matches(
  new RegExp(`^${dnsLabel}(\\.${dnsLabel})*$`),
  'value does not look like a valid DNS name',
);
const ipv4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const ipv6 = /^[0-9a-f:]*:[0-9a-f:]*(\d+\.\d+\.\d+\.\d+)?$/i;
const address: Format = (text) =>
  ipv4.test(text) || ipv6.test(text) ? undefined : 'value is not a valid IP address';

const bootDevice = /^(net|scsi|virtio|sata|ide|usb|hostpci)\d+$/;

function boot(text: string): string | undefined {
  if (/^[acdn]{1,4}$/.test(text) || text.trim() === '') return undefined;
  for (const part of text.split(',')) {
    const [key, value = ''] = part.split('=', 2);
    if (key === 'legacy') continue;
    if (key !== 'order')
      return `format error\nboot.${key}: property is not defined in schema and the schema does not allow additional properties`;
    const wrong = splitList(value).find((device) => !bootDevice.test(device));
    if (wrong !== undefined) {
      return `format error\nboot.order: invalid format - invalid boot device '${wrong}'\n`;
    }
  }
  return undefined;
}

const ipConfigParts: Record<string, Format> = {
  ip: (text) => (text === 'dhcp' ? undefined : cidr(text, ipv4)),
  gw: (text) => (ipv4.test(text) ? undefined : 'value does not look like a valid IPv4 address'),
  ip6: (text) => (text === 'dhcp' || text === 'auto' ? undefined : cidr(text, ipv6)),
  gw6: (text) => (ipv6.test(text) ? undefined : 'value does not look like a valid IPv6 address'),
};

function cidr(text: string, addressPattern: RegExp): string | undefined {
  const [ip = '', length, rest] = text.split('/');
  const fits = rest === undefined && addressPattern.test(ip) && /^\d{1,3}$/.test(length ?? '');
  const family = addressPattern === ipv4 ? 'IPv4' : 'IPv6';
  return fits ? undefined : `value does not look like a valid ${family} network configuration`;
}

function ipConfig(text: string): string | undefined {
  const seen = new Map<string, string>();
  for (const part of text.split(',')) {
    const [key = '', value] = part.split(/=(.*)/s);
    const format = ipConfigParts[key];
    if (value === undefined) return 'missing key in comma-separated list property';
    if (format === undefined) {
      return `format error\nipconfig.${key}: property is not defined in schema and the schema does not allow additional properties`;
    }
    const complaint = format(value);
    if (complaint !== undefined) return `format error\n${key}: invalid format - ${complaint}\n`;
    seen.set(key, value);
  }
  if (seen.has('gw') && !seen.has('ip')) return 'gateway specified, but no IP address';
  if (seen.has('gw6') && !seen.has('ip6')) return 'IPv6 gateway specified, but no IPv6 address';
  if (seen.has('gw') && seen.get('ip') === 'dhcp') return 'gateway specified, but dhcp is used';
  return undefined;
}

/** The id of a zone or vnet; a shorter one has its length looked at as well. */
const sdnId =
  (what: string, most = Number.POSITIVE_INFINITY): Format =>
  (text) => {
    if (text.length > most)
      return `${what} ID '${text}' can't be more length than ${most} characters`;
    return /^[a-z][a-z0-9]*[a-z0-9]$/i.test(text)
      ? undefined
      : `${what} ID '${text}' contains illegal characters`;
  };

const formats: Record<string, Format> = {
  'pve-sdn-zone-id': sdnId('zone', 8),
  'pve-sdn-vnet-id': sdnId('vnet'),
  'pve-sdn-short-vnet-id': sdnId('vnet', 8),
  'pve-vmid': vmid,
  'pve-vmid-list': listOf(vmid),
  'pve-node': node,
  'pve-node-list': listOf(node),
  'pve-configid': configId,
  'pve-configid-list': listOf(configId),
  'pve-storage-id': storage,
  'pve-storage-id-list': listOf(storage),
  'pve-volume-id': volume,
  'pve-volume-id-or-qm-path': pathOrVolume,
  'pve-volume-id-or-absolute-path': pathOrVolume,
  'pve-poolid': matches(
    /^[A-Za-z0-9.\-_/]+$/,
    (text) => `value '${text}' does not look like a valid pool name`,
  ),
  'dns-name': dnsName,
  'pve-bridge-id': matches(/^[-_.\w\d]+$/, (text) => `invalid bridge ID '${text}'`),
  'mac-addr': matches(
    /^[a-f0-9][02468ace](:[a-f0-9]{2}){5}$/i,
    'value does not look like a valid unicast MAC address',
  ),
  'disk-size': (text) =>
    Number.isNaN(parseSize(text))
      ? `value does not look like a valid disk size: ${text}`
      : undefined,
  urlencoded: matches(/^[-%a-zA-Z0-9_.!~*'()]*$/, (text) => `invalid urlencoded string: ${text}`),
  'pve-tag-list': listOf(matches(/^[a-z0-9_][a-z0-9_\-+.]*$/i, 'invalid characters in tag')),
  'pve-qm-boot': boot,
  'pve-qm-bootdisk': matches(/^(ide|sata|scsi|virtio|efidisk|tpmstate)\d+$/, 'invalid boot disk'),
  'pve-qm-ipconfig': ipConfig,
  'pve-qm-smbios1': smbios,
  'pve-startup-order': matches(
    /^((order=)?\d+|up=\d+|down=\d+)(,((order=)?\d+|up=\d+|down=\d+))*$/,
    'unable to parse startup options',
  ),
  'address-list': listOf(address),
  address,
  'pve-ha-resource-or-vm-id': matches(
    /^((vm|ct):)?\d+$/,
    'value does not look like a valid resource or VM ID',
  ),
  'pve-iface': matches(/^[a-zA-Z][a-zA-Z0-9_]{1,20}([:.]\d+)?$/, 'invalid network interface name'),
};

function smbios(text: string): string | undefined {
  const known = ['uuid', 'version', 'serial', 'manufacturer', 'product', 'sku', 'family', 'base64'];
  for (const part of text.split(',')) {
    const [key = '', value = ''] = part.split(/=(.*)/s);
    if (!known.includes(key)) {
      return `format error\nsmbios1.${key}: property is not defined in schema and the schema does not allow additional properties`;
    }
    if (key === 'uuid' && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) {
      return 'format error\nsmbios1.uuid: value does not match the regex pattern';
    }
  }
  return undefined;
}

/** The complaint about a text in a named format; formats that no client of VMs uses pass. */
export function formatComplaint(format: string, text: string): string | undefined {
  return formats[format]?.(text);
}
