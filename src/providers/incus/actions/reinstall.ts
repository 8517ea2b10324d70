import * as v from 'valibot';
import type { ActionCall, Outcome, Parameters } from '../../../contract/action.ts';
import type { Deadline } from '../../../contract/context.ts';
import type { Fields } from '../../../contract/field.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { type Client, read } from '../api/client.ts';
import { type Machine, snapshotSchema, stateOf } from '../api/wire.ts';
import { findImage } from '../machine/image.ts';
import { order, reread } from '../machine/instances.ts';
import type { Session } from '../machine/session.ts';
import { untilIdle } from '../machine/tasks.ts';
import type { Blueprint } from '../settings.ts';

type Call = ActionCall<Machine, Parameters, Blueprint, Fields>;

/** Lets the server throw the disk away and unpack the image anew; mark, devices and keys stay. */
export async function reinstall(
  { client }: Session,
  { machine, blueprint, undo, deadline }: Call,
): Promise<Outcome> {
  const { remoteId } = machine;
  await refuseWithout(client, deadline);
  await refuseSnapshots(client, remoteId, deadline);
  const { fingerprint, type } = await findImage(client, blueprint.template_id, deadline);
  if (type !== machine.incus.type) {
    throw new Failure('usage', `Image ${blueprint.template_id} is for a ${type}`, {
      tenant: 'The template is of another kind than the instance',
    });
  }
  const ran = stateOf(machine) !== 'off';
  undo.add(`start ${remoteId} again`, async (margin) => {
    await untilIdle(client, [remoteId], margin);
    const now = await reread(client, remoteId, margin);
    if (ran && stateOf(now) === 'off') await order(client, remoteId, 'start', { deadline: margin });
  });
  if (ran) await order(client, remoteId, 'stop', { deadline });
  const json = { source: { type: 'image', fingerprint } };
  const ask = { what: `install ${remoteId} anew`, deadline, json };
  await client.send('POST', path`/1.0/instances/${remoteId}/rebuild`, ask);
  if (ran) await order(client, remoteId, 'start', { deadline });
  return { message: 'The instance was installed anew' };
}

/** LXD 5.0 cannot; later ones and every Incus can. */
async function refuseWithout(client: Client, deadline: Deadline): Promise<void> {
  const ask = { what: 'ask what the server can do', deadline };
  const { metadata } = await client.send('GET', '/1.0', ask);
  const { api_extensions: known } = read(
    v.object({ api_extensions: v.array(v.string()) }),
    metadata,
  );
  if (known.includes('instances_rebuild')) return;
  throw new Failure('unsupported', 'This server cannot install an instance anew', {
    advice: 'It lacks the API extension instances_rebuild: LXD has it from 5.14 on, Incus always',
    tenant: 'Instances cannot be installed anew on this host',
  });
}

/** The server refuses too, but only when the instance has been stopped already. */
async function refuseSnapshots(client: Client, name: string, deadline: Deadline): Promise<void> {
  const ask = { what: `list the snapshots of ${name}`, deadline, query: { recursion: 1 } };
  const { metadata } = await client.send('GET', path`/1.0/instances/${name}/snapshots`, ask);
  if (read(v.array(snapshotSchema()), metadata).length === 0) return;
  const sentence = 'An instance with snapshots cannot be installed anew: remove them first';
  throw new Failure('usage', sentence, { tenant: sentence });
}
