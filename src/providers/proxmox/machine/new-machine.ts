import type { SizedInstance } from '../../../contract/instance.ts';
import type { Mark } from '../../../contract/machine.ts';
import type { Blueprint } from '../blueprint.ts';
import type { Machine } from './machine.ts';
import { describe, markFor } from './ownership.ts';
import type { Session } from './session.ts';

/** How the machine is made, decided and checked before anything is. */
export interface Build {
  readonly kind: 'clone' | 'iso';
  /** The nodes that the machine is on while and after it is made. */
  readonly places: readonly string[];
  /** Makes it with the mark in its description; `begun` gets the task. */
  make(vmid: number, begun: (task: string) => void): Promise<Machine>;
}

/** The mark of a machine that is to be made, and the description that carries it. */
export function marked(
  session: Session,
  instance: SizedInstance,
  vmid: number,
): { readonly mark: Mark; readonly description: string } {
  const mark = markFor(session, instance, vmid, { state: 'building', origin: 'created' });
  return { mark, description: describe(session, mark) };
}

/** Proxmox VE takes DNS names only; the mark keeps the instance's own. */
export function nameFor({ name }: SizedInstance, { vm_name }: Blueprint): string {
  if (vm_name !== undefined) return vm_name;
  const labels = name.split('.').map((label) =>
    label
      .replace(/[^A-Za-z0-9-]/g, '-')
      .slice(0, 63)
      .replace(/^-+|-+$/g, ''),
  );
  return labels.filter((label) => label !== '').join('.') || 'instance';
}
