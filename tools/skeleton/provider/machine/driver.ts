import type { Context } from '../../../../src/contract/context.ts';
import type { Driver, Making, Plan } from '../../../../src/contract/driver.ts';
import type { Nic, SizedInstance } from '../../../../src/contract/instance.ts';
import { Failure, isKind, statusOf } from '../../../../src/failure.ts';
import { pollFor } from '../../../../src/kit/poll.ts';
import { withoutMark, writeMark } from '../../../../src/lifecycle/mark.ts';
import { policyOf } from '../../../../src/lifecycle/shared-settings.ts';
import { type Client, createClient, type Hardware, type Machine } from '../api/client.ts';
import type { Blueprint, Settings } from '../settings.ts';

/** Acme's primitives for one call. */
export function connect(settings: Settings, context: Context): Driver<Machine, Blueprint> {
  const client = createClient(settings, context);
  return {
    policy: policyOf(settings),
    close: client.close,
    list: (_detail, deadline) => client.list(deadline),
    describe: ({ remoteId, name = '', mark, template = false, acme }) => ({
      ...{ remoteId, name, mark, template, power: acme.power, cpus: acme.cpus },
      memoryBytes: acme.memoryMb * 2 ** 20,
      nics: acme.nics.map(({ mac }) => ({ mac })),
    }),
    isAbsent: (thrown) => statusOf(thrown) === 404,
    state: async ({ acme }) => acme.power,
    hasHardware: async ({ acme: { cpus, memoryMb, nics } }, { instance }) =>
      JSON.stringify({ cpus, memoryMb, nics }) === JSON.stringify(hardwareOf(instance)),
    guard: ({ acme }) => (acme.locked ? 'is locked in Acme' : undefined),
    make: (making) => make(client, making),
    powerOn: (machine, plan) => powerOn(client, machine, plan),
    resume: ({ remoteId }, { deadline }) => client.power(remoteId, 'on', deadline),
    async shutDown({ remoteId }, { deadline }, ms) {
      await client.power(remoteId, 'shutdown', deadline);
      const what = `waiting for the guest of ${remoteId} to shut down`;
      return pollFor(deadline, { ms, what }, async () => {
        const now = (await client.list(deadline)).find((each) => each.remoteId === remoteId);
        return now?.acme.power !== 'on';
      });
    },
    cutPower: ({ remoteId }, { deadline }) => client.power(remoteId, 'off', deadline),
    async restart({ remoteId }, { deadline }) {
      await client.power(remoteId, 'restart', deadline);
    },
    destroy: ({ remoteId }, { deadline }) => client.remove(remoteId, deadline),
    async writeMark(machine, mark, { deadline }) {
      const words = withoutMark(machine.acme.notes);
      const lines = mark === undefined ? [words] : [words, writeMark(mark)];
      const notes = lines.filter((line) => line !== '').join('\n');
      try {
        return await client.change(machine, { notes }, deadline);
      } catch (thrown) {
        if (statusOf(thrown) === 412) return 'lost';
        throw thrown;
      }
    },
  };
}

/** Where another call for the instance was faster, this one looks again. */
async function powerOn(client: Client, machine: Machine, plan: Plan<unknown>): Promise<Machine> {
  const { instance, deadline } = plan;
  if (machine.acme.power === 'on') return machine;
  try {
    const ready = await client.change(machine, hardwareOf(instance), deadline);
    return await client.power(ready.remoteId, 'on', deadline);
  } catch (thrown) {
    if (!isKind(thrown, 'conflict')) throw thrown;
    const now = (await client.list(deadline)).find((each) => each.remoteId === machine.remoteId);
    if (now === undefined) throw thrown;
    await deadline.sleep(50, `waiting for another call for ${instance.name}`);
    return powerOn(client, now, plan);
  }
}

/** Acme chooses the id, so that the mark of a machine that is being made holds none yet. */
async function make(
  client: Client,
  { instance, blueprint, partials, undo, markFor, deadline }: Making<Machine, Blueprint>,
): Promise<Machine> {
  for (const { remoteId } of partials) await client.remove(remoteId, deadline);
  undo.add(`remove the unfinished machine of ${instance.name}`, async (margin) => {
    // By the mark, since the answer that held the id may never have come.
    for (const { mark, remoteId } of await client.list(margin)) {
      const own = typeof mark === 'object' && mark.uuid === instance.uuid;
      if (own && mark.installation === markFor('').installation && mark.state === 'building') {
        await client.remove(remoteId, margin);
      }
    }
  });
  return client.make(
    {
      ...{ name: instance.name, notes: writeMark(markFor('')), ...hardwareOf(instance) },
      // Acme makes one machine for one key, however often it is asked.
      ...{ source: blueprint.template_id, key: instance.uuid },
    },
    deadline,
  );
}

function hardwareOf({ cpus, memoryBytes, nics }: SizedInstance): Hardware {
  const memoryMb = memoryBytes / 2 ** 20;
  return { cpus, memoryMb, nics: nics.map((nic) => ({ mac: nic.mac, vlan: vlanOf(nic) })) };
}

/** A network that Acme cannot reach is refused, never left out. */
function vlanOf({ segment, deviceId }: Nic): number | null {
  if (segment.kind === 'vlan') return segment.id;
  if (segment.kind === 'untagged') return null;
  throw new Failure('unsupported', `NIC ${deviceId} is on a network that Acme cannot reach`);
}
