import { first, node, type XmlNode } from '../../../kit/xml/tree.ts';

export interface DiskFile {
  readonly path: string;
  readonly format: string;
  /** A device of the host in place of a file. */
  readonly isBlock: boolean;
}

export interface Slot {
  readonly bus: string;
  readonly dev: string;
}

export function diskElement(
  { path, format, isBlock }: DiskFile,
  { bus, dev }: Slot,
  serial?: string,
): XmlNode {
  return node(
    'disk',
    { type: isBlock ? 'block' : 'file', device: 'disk' },
    node('driver', { name: 'qemu', type: format, discard: 'unmap' }),
    sourceElement({ path, isBlock }),
    node('target', { dev, bus }),
    serial === undefined ? undefined : node('serial', {}, serial),
  );
}

/** The drive is there without a disc too, so that one can be put in while the guest runs. */
export function cdromElement(file: DiskFile | undefined, { bus, dev }: Slot): XmlNode {
  return node(
    'disk',
    { type: file?.isBlock ? 'block' : 'file', device: 'cdrom' },
    node('driver', { name: 'qemu', type: 'raw' }),
    file === undefined ? undefined : sourceElement(file),
    node('target', { dev, bus }),
    node('readonly'),
  );
}

export function sourceElement({ path, isBlock }: Pick<DiskFile, 'path' | 'isBlock'>): XmlNode {
  return node('source', { [isBlock ? 'dev' : 'file']: path });
}

/** The bus of CD drives; machines of the older chip set have no SATA. */
export function discBus(machineType: string): string {
  return /^pc(-i440fx.*)?$/.test(machineType) ? 'ide' : 'sata';
}

/** The drive with another file, or empty; its place on the guest's bus stays. */
export function withFile(
  { element }: { readonly element: XmlNode },
  file: DiskFile | undefined,
): XmlNode {
  const others = element.children.filter(
    (each) => typeof each === 'string' || !['driver', 'source', 'backingStore'].includes(each.tag),
  );
  const driver = first(element, 'driver')?.attributes ?? { name: 'qemu' };
  return {
    ...element,
    attributes: { ...element.attributes, type: file?.isBlock === true ? 'block' : 'file' },
    children: [
      node('driver', { ...driver, type: file?.format ?? 'raw' }),
      ...(file === undefined ? [] : [sourceElement(file)]),
      ...others,
    ],
  };
}
