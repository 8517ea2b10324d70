/** `virtio=BC:24:…,bridge=vmbr0` and the like, with the key that may stand without its name. */
export type Properties = Record<string, string>;

/** Reads a comma-separated list; a value without a key gets `defaultKey`. */
export function parseProperties(text: string, defaultKey: string): Properties {
  const properties: Properties = {};
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    if (at < 0) properties[defaultKey] = part;
    else properties[part.slice(0, at)] = part.slice(at + 1);
  }
  return properties;
}

/** The default key's value first, the rest in the order of their names, as Proxmox prints them. */
export function printProperties(properties: Properties, defaultKey: string): string {
  const rest = Object.keys(properties)
    .filter((key) => key !== defaultKey)
    .sort()
    .map((key) => `${key}=${properties[key]}`);
  const first = properties[defaultKey];
  return [...(first === undefined ? [] : [first]), ...rest].join(',');
}

const models = [
  'e1000',
  'e1000-82540em',
  'e1000-82544gc',
  'e1000-82545em',
  'e1000e',
  'i82551',
  'i82557b',
  'i82559er',
  'ne2k_isa',
  'ne2k_pci',
  'pcnet',
  'rtl8139',
  'virtio',
  'vmxnet3',
];

/** A NIC as Proxmox keeps it: `virtio=MAC` is the model with its address. */
export function parseNet(text: string): Properties {
  const net = parseProperties(text, 'model');
  for (const model of models) {
    const mac = net[model];
    if (mac === undefined) continue;
    delete net[model];
    net['model'] = model;
    net['macaddr'] = mac;
  }
  return net;
}

export function printNet(net: Properties): string {
  const { model = 'virtio', macaddr, ...rest } = net;
  const head = macaddr === undefined ? model : `${model}=${macaddr.toUpperCase()}`;
  return printProperties({ head, ...rest }, 'head');
}

const units: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** `10G` as bytes; NaN when it is no size. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMGT])?$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (units[match[2] ?? ''] ?? 1);
}

/** Bytes in the largest unit that leaves no rest, as the configuration shows sizes. */
export function printSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K']) {
    const size = units[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
