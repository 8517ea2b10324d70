import * as v from 'valibot';

/*
 * The real answers of the scripts. Schemas are built when they are needed.
 */

export const texts = () => v.array(v.string());

export const machinesSchema = () =>
  v.object({
    account: v.string(),
    host: v.string(),
    sees: v.boolean(),
    machines: v.array(
      v.object({
        id: v.pipe(v.string(), v.uuid(), v.toLowerCase()),
        name: v.string(),
        state: v.string(),
        notes: v.string(),
        path: v.string(),
        clustered: v.boolean(),
        replication: v.string(),
      }),
    ),
    cluster: v.object({
      member: v.boolean(),
      known: v.boolean(),
      elsewhere: v.array(v.object({ name: v.string(), node: v.string() })),
    }),
  });

export const machineSchema = () =>
  v.object({
    id: v.pipe(v.string(), v.uuid(), v.toLowerCase()),
    state: v.string(),
    notes: v.string(),
    generation: v.number(),
    path: v.string(),
    busy: texts(),
    cpus: v.number(),
    memory: v.number(),
    /** 0 where the memory is not dynamic. */
    minimum: v.number(),
    adapters: v.array(
      v.object({
        id: v.string(),
        name: v.string(),
        mac: v.string(),
        dynamic: v.boolean(),
        switch: v.string(),
        mode: v.string(),
        vlan: v.number(),
        addresses: texts(),
      }),
    ),
    disks: v.array(
      v.object({
        path: v.string(),
        controller: v.string(),
        number: v.number(),
        location: v.number(),
      }),
    ),
    media: texts(),
    /** The files that the checkpoints keep: a merge may change each of them, or remove it. */
    checkpointDisks: texts(),
    snapshots: v.array(
      v.object({
        id: v.string(),
        name: v.string(),
        created: v.string(),
        state: v.string(),
        type: v.string(),
      }),
    ),
  });

export const inventorySchema = () =>
  v.object({
    machines: v.array(
      v.object({
        id: v.pipe(v.string(), v.uuid(), v.toLowerCase()),
        cpus: v.number(),
        memory: v.number(),
        adapters: v.array(v.object({ mac: v.string(), mode: v.string(), vlan: v.number() })),
        disks: texts(),
      }),
    ),
    files: v.nullable(texts()),
  });

/** A disk that a machine uses, with the machine's name and id. */
const diskOf = { path: v.string(), vm: v.string(), id: v.pipe(v.string(), v.toLowerCase()) };

export const usersSchema = () =>
  v.object({
    used: v.array(v.object(diskOf)),
    unread: v.array(v.object({ ...diskOf, why: v.string() })),
    there: texts(),
  });

export const resourcesSchema = () =>
  v.object({
    folder: v.boolean(),
    freeBytes: v.nullable(v.number()),
    /** Unknown where the host does not tell. */
    freeMemory: v.nullable(v.number()),
    switches: texts(),
    template: v.nullable(v.object({ size: v.number(), fileSize: v.number(), type: v.string() })),
    users: texts(),
    iso: v.boolean(),
  });

export const inspectSchema = () =>
  v.object({
    version: v.string(),
    system: v.string(),
    module: v.string(),
    paths: v.array(
      v.object({
        path: v.string(),
        found: v.boolean(),
        trouble: v.string(),
        freeBytes: v.nullable(v.number()),
      }),
    ),
    switches: texts(),
    switchTrouble: v.string(),
  });

export type Listing = v.InferOutput<ReturnType<typeof machinesSchema>>;
export type Listed = Listing['machines'][number];
export type Details = v.InferOutput<ReturnType<typeof machineSchema>>;
export type Adapter = Details['adapters'][number];
export type HostResources = v.InferOutput<ReturnType<typeof resourcesSchema>>;
export type DiskUsers = v.InferOutput<ReturnType<typeof usersSchema>>;
export type Inspection = v.InferOutput<ReturnType<typeof inspectSchema>>;
export type Inventory = v.InferOutput<ReturnType<typeof inventorySchema>>;
