import { parseJson } from '../../../kit/json.ts';
import type { Machine } from './machine.ts';

/*
 * The file of a machine. Every status call reads all of them, so they are checked by hand: a schema
 * would cost more than everything else that such a call does.
 */

const machineShape = {
  name: 'string',
  node: 'string',
  home: 'string',
  power: 'string',
  description: 'string',
  template: 'boolean',
  protected: 'boolean',
  cpus: 'number',
  memoryBytes: 'number',
  templateId: 'string',
  storage: 'string',
  diskContent: 'string',
  boots: 'number',
  createdAt: 'string',
};
const nicShape = { deviceId: 'number', uuid: 'string', mac: 'string', segment: 'object' };
const snapshotShape = { name: 'string', createdAt: 'string', diskContent: 'string' };
const diskShape = { number: 'number', sizeGb: 'number', storage: 'string', content: 'string' };
const powers = ['off', 'on', 'paused', 'suspended', 'saved'];

/** The machine in a file's text, or `undefined` for a file that cannot be believed. */
export function parseMachine(remoteId: string, text: string): Machine | undefined {
  const file = parseJson(text);
  return isMachine(file) ? { ...file, remoteId } : undefined;
}

/** The id is the file's name and not written: a file that is copied becomes another machine. */
export function formatMachine({ remoteId: _, ...machine }: Machine): string {
  return `${JSON.stringify(machine, undefined, 2)}\n`;
}

function isMachine(file: unknown): file is Omit<Machine, 'remoteId'> {
  return (
    hasShape(file, machineShape) &&
    powers.includes(String(file['power'])) &&
    isListOf(file['nics'], nicShape) &&
    isListOf(file['snapshots'], snapshotShape) &&
    isListOf(file['disks'] ?? [], diskShape)
  );
}

function isListOf(value: unknown, shape: Readonly<Record<string, string>>): boolean {
  return Array.isArray(value) && value.every((entry) => hasShape(entry, shape));
}

function hasShape(
  value: unknown,
  shape: Readonly<Record<string, string>>,
): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const given = value as Readonly<Record<string, unknown>>;
  return Object.keys(shape).every((key) => typeof given[key] === shape[key] && given[key] !== null);
}
