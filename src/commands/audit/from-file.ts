import * as v from 'valibot';
import { Failure } from '../../failure.ts';
import { issueWords, members } from '../../kit/issue-words.ts';
import { readJson } from '../json.ts';
import { type Listed, type ListedHost, nicOf } from './listed.ts';

function inventorySchema() {
  const texts = v.optional(v.record(v.string(), v.string()), {});
  const uuid = v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a UUID'),
    v.toLowerCase(),
  );
  const nic = members({
    mac: v.string(),
    broadcasturi: v.optional(v.string(), ''),
  });
  const instance = members({
    uuid,
    name: v.pipe(v.string(), v.minLength(1)),
    state: v.string(),
    cpus: v.optional(v.number()),
    memory_mb: v.optional(v.number()),
    nics: v.optional(v.array(nic)),
    details: texts,
  });
  const host = members({
    name: v.pipe(v.string(), v.minLength(1)),
    extension: texts,
    resourcemap: texts,
    host: texts,
  });
  return members({
    hosts: v.optional(v.array(host)),
    instances: v.optional(v.array(instance)),
  });
}

/** The lists that the file has; CloudStack is asked for the others. */
export interface Inventory {
  readonly hosts: readonly ListedHost[] | undefined;
  readonly instances: readonly Listed[] | undefined;
}

/** `{"hosts": [...], "instances": [...]}`, either of which may be left out. */
export function readInventory(file: string): Inventory {
  const result = v.safeParse(inventorySchema(), readJson(file));
  if (!result.success) {
    throw new Failure('usage', `${file} is invalid: ${issueWords(result.issues.slice(0, 5))}`, {
      advice: 'docs/registering.md shows one',
    });
  }
  const { hosts, instances } = result.output;
  return {
    hosts: hosts?.map(({ name, extension, resourcemap, host }) => ({
      ...{ name, extension: file },
      levels: [
        { name: 'extension', details: extension },
        { name: 'cluster registration', details: resourcemap },
        { name: 'host', details: host },
      ],
    })),
    instances: instances?.map(({ nics, memory_mb: mebibytes, cpus, ...rest }) => ({
      ...rest,
      home: 'here',
      cpus,
      memoryBytes: mebibytes === undefined ? undefined : mebibytes * 1024 ** 2,
      nics: nics?.map(({ mac, broadcasturi }) => nicOf(mac, broadcasturi)),
    })),
  };
}
