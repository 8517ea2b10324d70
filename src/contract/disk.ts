import type { Step, Undo } from './context.ts';
import type { Machine } from './machine.ts';

/** A disk of an instance: the one that it boots from, or a data disk, connected or detached. */
export interface Disk {
  /** As people name it in the actions; stays the same while the disk is detached and attached again. */
  readonly name: string;
  /** The place where it is connected, such as `scsi1`; `undefined` for one that is detached. */
  readonly slot?: string | undefined;
  /** `undefined` where it was not asked for, or cannot be told of a detached disk. */
  readonly sizeBytes?: number | undefined;
  readonly storage?: string | undefined;
  /** The number that the lifecycle gave it; a remote system may forget it when the disk is detached. */
  readonly number?: number | undefined;
  /** The disk that the instance boots from, which is only ever made larger. */
  readonly root?: boolean;
}

/** The disks of an instance as they were at one moment. */
export interface Disks<D extends Disk = Disk> {
  readonly disks: readonly D[];
  /** Names that moment for the remote system, which refuses a change over what has changed since. */
  readonly version?: string | undefined;
}

export interface NewDisk {
  readonly sizeGb: number;
  /** The driver's usual one without. */
  readonly storage?: string | undefined;
  /** No other data disk of the instance has it. */
  readonly number: number;
}

/** `lost`: another call has changed the disks since `now` was read, and nothing was done. */
export type Changed<T> = Promise<T | 'lost'>;

/**
 * The primitives of data disks. The lifecycle keeps the limits, picks a disk by its name among those
 * of the instance, and sees to it that a disk which is detached stays the instance's: it is never given
 * to another one, and nothing but DeleteDisk and the removal of the instance removes it.
 *
 * A primitive is given the disks as they were listed and changes them only if they are still so.
 */
export interface DiskDriver<M extends Machine = Machine, D extends Disk = Disk> {
  /** A new disk goes to a storage that has a name; without this there is one place for all. */
  readonly storages?: boolean;
  /**
   * All disks that are the instance's, detached ones included, and none that may be another
   * instance's. `last` says that nothing else is asked for in this call.
   */
  list(machine: M, step: Step, last?: boolean): Promise<Disks<D>>;
  /** Makes an empty disk and connects it, or leaves nothing of it behind. */
  add(machine: M, wanted: NewDisk, now: Disks<D>, step: Step & { readonly undo: Undo }): Changed<D>;
  /** Takes a disk out of the machine and keeps it. */
  detach(machine: M, disk: D, now: Disks<D>, step: Step): Changed<void>;
  /** Connects a detached disk at its slot if one is named and free, else at the next one. */
  attach(machine: M, disk: D, now: Disks<D>, step: Step): Changed<D>;
  /** Removes a detached disk for good. */
  remove(machine: M, disk: D, now: Disks<D>, step: Step): Changed<void>;
  /** Makes a connected disk larger. */
  resize(machine: M, disk: D, sizeGb: number, step: Step & { readonly undo: Undo }): Promise<void>;
  /** Puts a connected disk on another storage, under a new name where the name says the storage. */
  move?(machine: M, disk: D, storage: string, step: Step & { readonly undo: Undo }): Promise<D>;
}
