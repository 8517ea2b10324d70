import type { Deadline } from '../../../contract/context.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { below, first, node, readTree, textIn, type XmlNode } from '../../../kit/xml/tree.ts';
import { describeDomain } from '../api/domains.ts';
import { brokenXml } from '../api/volumes.ts';
import type { Settings } from '../settings.ts';
import type { Machine } from './machines.ts';
import { factsOf, interfacesOf, macOf, nicElement } from './nics.ts';
import type { Session } from './session.ts';

/** The description of the domain as it runs, or the lasting one. */
export async function readDescription(
  { client }: Session,
  { domain }: Pick<Machine, 'domain'>,
  which: 'now' | 'whenOff',
  deadline: Deadline,
): Promise<XmlNode> {
  return readTree(await describeDomain(client, domain, which, deadline), brokenXml);
}

export function cpusIn(domain: XmlNode): number {
  return Number(textIn(first(domain, 'vcpu')));
}

/** libvirt answers in KiB, also where it was given bytes. */
export function memoryIn(domain: XmlNode): number {
  return Number(textIn(first(domain, 'memory'))) * 1024;
}

export function sizeElements({ cpus, memoryBytes }: SizedInstance): readonly XmlNode[] {
  const kibibytes = String(Math.ceil(memoryBytes / 1024));
  return [
    node('memory', { unit: 'KiB' }, kibibytes),
    node('currentMemory', { unit: 'KiB' }, kibibytes),
    node('vcpu', { placement: 'static' }, String(cpus)),
  ];
}

/** Whether CPUs, memory and NICs are what the instance says. */
export function fits(domain: XmlNode, instance: SizedInstance, settings: Settings): boolean {
  const nics = interfacesOf(domain);
  const wanted = instance.nics.map((nic) => nicElement(nic, settings));
  const isSized =
    cpusIn(domain) === instance.cpus &&
    memoryIn(domain) === Math.ceil(instance.memoryBytes / 1024) * 1024;
  return (
    isSized && nics.length === wanted.length && wanted.every((each, at) => isSame(nics[at], each))
  );
}

function isSame(nic: XmlNode | undefined, wanted: XmlNode): boolean {
  return nic !== undefined && factsOf(nic, wanted) === factsOf(wanted, wanted);
}

/** The description with CPUs, memory and NICs brought to what the instance says; all else stays. */
export function brought(domain: XmlNode, instance: SizedInstance, settings: Settings): XmlNode {
  const size = sizeElements(instance);
  const replaced = new Set([...size.map(({ tag }) => tag), 'vcpus', 'devices']);
  const others = domain.children.filter(
    (each) => typeof each === 'string' || !replaced.has(each.tag),
  );
  const sameCpus = cpusIn(domain) === instance.cpus;
  return {
    ...domain,
    children: [
      ...others.map((each) =>
        typeof each === 'string' || sameCpus ? each : withoutTopology(each),
      ),
      ...size,
      devicesWith(first(domain, 'devices') ?? node('devices'), instance, settings),
    ],
  };
}

/** A topology multiplies to the number of CPUs that there were. */
function withoutTopology(element: XmlNode): XmlNode {
  if (element.tag !== 'cpu') return element;
  const children = element.children.filter(
    (each) => typeof each === 'string' || each.tag !== 'topology',
  );
  return { ...element, children };
}

/** A NIC that stays keeps its place on the guest's bus, by which the guest names it. */
function devicesWith(devices: XmlNode, { nics }: SizedInstance, settings: Settings): XmlNode {
  const before = below(devices, 'interface');
  const wanted = nics.map((nic) => {
    const element = nicElement(nic, settings);
    const place = first(
      before.find((each) => macOf(each) === nic.mac),
      'address',
    );
    return place === undefined ? element : { ...element, children: [...element.children, place] };
  });
  const others = devices.children.filter(
    (each) => typeof each === 'string' || each.tag !== 'interface',
  );
  return { ...devices, children: [...others, ...wanted] };
}
