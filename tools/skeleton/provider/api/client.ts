import * as v from 'valibot';
import type { Context, Deadline } from '../../../../src/contract/context.ts';
import type { Machine as Listed } from '../../../../src/contract/machine.ts';
import { Failure, isKind } from '../../../../src/failure.ts';
import { path } from '../../../../src/kit/http/address.ts';
import { createJsonApi } from '../../../../src/kit/http/json-api.ts';
import { readMark } from '../../../../src/lifecycle/mark.ts';
import { tlsOf } from '../../../../src/lifecycle/shared-settings.ts';
import type { Settings } from '../settings.ts';

/** The answers of Acme as it really sends them, as far as they are used; everything beyond that is ignored. */
function machineSchema() {
  return v.object({
    id: v.string(),
    name: v.string(),
    notes: v.string(),
    power: v.picklist(['on', 'off']),
    template: v.boolean(),
    locked: v.boolean(),
    cpus: v.number(),
    memoryMb: v.number(),
    nics: v.array(v.object({ mac: v.string(), vlan: v.nullable(v.number()) })),
    version: v.number(),
  });
}

export type Hardware = Pick<
  v.InferOutput<ReturnType<typeof machineSchema>>,
  'cpus' | 'memoryMb' | 'nics'
>;

/** A machine of Acme, as the rules of ownership look at it, with what Acme says beside. */
export interface Machine extends Listed {
  readonly acme: v.InferOutput<ReturnType<typeof machineSchema>>;
}

export type Client = ReturnType<typeof createClient>;

export function createClient(settings: Settings, { deadline, log }: Context) {
  const api = createJsonApi({
    ...{ title: 'Acme', url: settings.url, tls: tlsOf(settings), deadline, log },
    headers: { authorization: `Bearer ${settings.token}` },
  });
  const one = true;
  return {
    close: api.close,
    async list(deadline: Deadline): Promise<readonly Machine[]> {
      const json = await api.send('GET', '/machines', { what: 'list the machines', deadline });
      return read(v.array(machineSchema()), json).map(seen);
    },
    async make(
      given: Hardware & {
        readonly name: string;
        readonly notes: string;
        readonly source: string;
        readonly key: string;
      },
      deadline: Deadline,
    ) {
      const ask = { what: `make a machine for ${given.name}`, json: given, deadline };
      return seen(read(machineSchema(), await api.send('POST', '/machines', ask)));
    },
    /** Changes the machine as it was read; fails with 412 when it has been changed since. */
    async change(
      { remoteId, acme }: Machine,
      json: Partial<Hardware> & { readonly notes?: string },
      deadline: Deadline,
    ) {
      const headers = { 'if-match': String(acme.version) };
      const ask = { what: `change machine ${remoteId}`, json, headers, one, deadline };
      return seen(read(machineSchema(), await api.send('PUT', path`/machines/${remoteId}`, ask)));
    },
    async power(remoteId: string, to: 'on' | 'off' | 'shutdown' | 'restart', deadline: Deadline) {
      const ask = { what: `switch machine ${remoteId} (${to})`, json: { to }, one, deadline };
      return seen(
        read(machineSchema(), await api.send('POST', path`/machines/${remoteId}/power`, ask)),
      );
    },
    /** Succeeds for a machine that is gone already: two calls may remove the same one. */
    async remove(remoteId: string, deadline: Deadline): Promise<void> {
      const ask = { what: `remove machine ${remoteId}`, one, deadline };
      await api.send('DELETE', path`/machines/${remoteId}`, ask).catch((thrown: unknown) => {
        if (!isKind(thrown, 'not-found')) throw thrown;
      });
    },
  };
}

function seen(acme: Machine['acme']): Machine {
  const { id, name, notes, template } = acme;
  return { remoteId: id, name, mark: readMark(notes), template, acme };
}

function read<S extends v.GenericSchema>(schema: S, json: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const where = v.getDotPath(result.issues[0]) ?? 'the answer';
  throw new Failure('upstream', `Acme sent something unexpected at ${where}`);
}
