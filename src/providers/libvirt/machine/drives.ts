import { below, first, node, type XmlNode } from '../../../kit/xml/tree.ts';
import type { Slot } from './drive-elements.ts';
import { nameAt, ownVolume } from './volume-names.ts';

/** A disk or a CD drive as a domain's description has it. */
export interface Drive extends Slot {
  readonly element: XmlNode;
  readonly device: string;
  /** The file or the device behind it; `undefined` for an empty drive, and where a network is behind it. */
  readonly path: string | undefined;
}

export function drivesIn(description: XmlNode): readonly Drive[] {
  return below(first(description, 'devices'), 'disk').map((element) => {
    const { file, dev: path = file } = first(element, 'source')?.attributes ?? {};
    const { dev = '', bus = '' } = first(element, 'target')?.attributes ?? {};
    return { element, device: element.attributes['device'] ?? 'disk', path, dev, bus };
  });
}

/** The first disk, from which the guest boots; data disks of an instance are never it. */
export function rootIn(description: XmlNode): Drive | undefined {
  return drivesIn(description).find(
    ({ device, path }) => device === 'disk' && ownVolume(nameAt(path))?.use !== 'data',
  );
}

/** The drive for images, beside the one with the data for the guest. */
export function imageDriveIn(description: XmlNode): Drive | undefined {
  return drivesIn(description).find(
    ({ device, path }) => device === 'cdrom' && ownVolume(nameAt(path))?.use !== 'seed',
  );
}

export function machineTypeIn(description: XmlNode): string {
  return first(description, 'os', 'type')?.attributes['machine'] ?? '';
}

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** A place on the bus that no drive has; from the end of the four of IDE, so that disks keep the first. */
export function freeDev(descriptions: readonly XmlNode[], bus: string): string | undefined {
  const taken = new Set(descriptions.flatMap(drivesIn).map(({ dev }) => dev));
  const prefix = bus === 'virtio' ? 'vd' : bus === 'ide' ? 'hd' : 'sd';
  const places = bus === 'ide' ? 'dcba' : letters;
  return [...places].map((letter) => `${prefix}${letter}`).find((dev) => !taken.has(dev));
}

/** The description with other drives in the place of those that it has. */
export function withDrives(description: XmlNode, drives: readonly XmlNode[]): XmlNode {
  return changed(description, 'devices', (devices) => ({
    ...devices,
    children: [
      ...devices.children.filter((each) => typeof each === 'string' || each.tag !== 'disk'),
      ...drives,
    ],
  }));
}

/** The description with one of its parts changed, or added where it has none. */
export function changed(
  description: XmlNode,
  tag: string,
  change: (part: XmlNode) => XmlNode,
): XmlNode {
  const part = first(description, tag);
  const children =
    part === undefined
      ? [...description.children, change(node(tag))]
      : description.children.map((each) => (each === part ? change(part) : each));
  return { ...description, children };
}
