import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Json = Record<string, unknown>;

/** A payload as CloudStack wrote it, with the provider added to its extension details. */
export function recorded(action: string, provider = 'ledger', host: Json = {}): Json {
  const file = join(process.cwd(), 'test/payloads/main', `${action}.json`);
  const payload = JSON.parse(readFileSync(file, 'utf8')) as Json;
  const details = payload['externaldetails'] as Record<string, Json> | undefined;
  if (details === undefined) return payload;
  details['extension'] = { ...details['extension'], provider };
  details['host'] = { ...details['host'], ...host };
  return payload;
}

/** The same about another instance. */
export function ofAnother(payload: Json): Json {
  const [uuid, name, vm] = [
    '99999999-0e57-4a8b-a8d5-4c4f6d6a7b10',
    'i-2-99-VM',
    'cloudstack.vm.details',
  ];
  const named = { ...payload, virtualmachineid: uuid, virtualmachinename: name };
  return { ...named, [vm]: { ...(payload[vm] as Json), uuid, name } };
}

/** The same as CloudStack 4.21 would have written it. */
export function asOf421(payload: Json): Json {
  const { caller: _caller, ...older } = payload;
  if (older['action'] === undefined) return older;
  const details = { ...(older['externaldetails'] as Json) };
  delete details['virtualmachine'];
  return { ...older, externaldetails: details };
}

/** A copy with one place changed; `undefined` takes the key away. */
export function changed(payload: Json, path: readonly (string | number)[], value: unknown): Json {
  const copy = JSON.parse(JSON.stringify(payload)) as Json;
  let at = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  const last = path[path.length - 1] ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}
