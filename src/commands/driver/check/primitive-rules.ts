import type { SizedInstance } from '../../../contract/instance.ts';
import { deadlineIn } from '../../../kit/deadline.ts';
import { writeMark } from '../../../lifecycle/mark.ts';
import type { Bench } from './bench.ts';
import { demand, demandRefusal, onlyOne, type Rule } from './rule.ts';

const ask = () => ({ what: 'be asked by itself', deadline: deadlineIn(60) });

async function withMachine(
  bench: Bench,
  work: (id: string, instance: SizedInstance) => Promise<void>,
): Promise<void> {
  const instance = bench.instance();
  await bench.verbs().create(instance, bench.values.blueprint);
  const { remoteId } = onlyOne(await bench.own(instance), 'after create');
  await work(remoteId, instance);
  await bench.verbs().delete(instance);
}

async function shown({ client }: Bench, id: string) {
  const { machine } = await client.ask('get', { id }, ask());
  const { name, mark = null, state } = machine;
  return { id, name, mark, state };
}

function named({ uuid, name }: SizedInstance) {
  return { uuid, name };
}

const withoutLabel = ({ said }: Bench): string | undefined =>
  said.marks === 'name' ? 'its marks are the names of machines' : undefined;

/** Primitives by themselves, as no verb plays them. */
export const primitiveRules: readonly Rule[] = [
  {
    title: 'get of a machine that is not there fails with kind missing',
    async play({ client }) {
      const id = `no-machine-${Math.random().toString(36).slice(2, 10)}`;
      const work = client.ask('get', { id }, ask());
      await demandRefusal(work, ['not-found'], `get of ${id} has to fail with kind missing`);
    },
  },
  {
    title: 'destroy and cut-power may come twice',
    async play(bench) {
      const { client } = bench;
      const instance = bench.instance();
      await bench.verbs().create(instance, bench.values.blueprint);
      const { remoteId } = onlyOne(await bench.own(instance), 'after create');
      const request = { machine: await shown(bench, remoteId), instance: named(instance) };
      await client.ask('cut-power', request, ask());
      await client.ask('cut-power', request, ask());
      await client.ask('destroy', request, ask());
      await client.ask('destroy', request, ask());
    },
  },
  {
    title: 'a mark of full length with quotes and letters of any kind comes back unchanged',
    skip: withoutLabel,
    play: (bench) =>
      withMachine(bench, async (id, instance) => {
        const machine = await shown(bench, id);
        const mark = longMark(machine.mark ?? '');
        const request = { machine, instance: named(instance), mark, expected: machine.mark };
        await bench.client.ask('write-mark', request, ask());
        const now = await shown(bench, id);
        demand(now.mark === mark, 'get shows another mark than write-mark was given');
        const back = { ...request, machine: now, mark: machine.mark, expected: mark };
        await bench.client.ask('write-mark', back, ask());
      }),
  },
  {
    title: 'write-mark writes nothing when the mark is not the expected one, and says so',
    skip: withoutLabel,
    play: (bench) =>
      withMachine(bench, async (id, instance) => {
        const machine = await shown(bench, id);
        // A driver that writes it all the same must not leave a machine that is none of the check's.
        const request = {
          machine,
          instance: named(instance),
          mark: `${machine.mark} `,
          expected: 'another mark',
        };
        const { lost = false } = await bench.client.ask('write-mark', request, ask());
        const now = await shown(bench, id);
        demand(lost, 'write-mark has to answer "lost": true for a mark that was not expected');
        demand(now.mark === machine.mark, 'write-mark wrote over a mark that was not expected');
      }),
  },
  {
    title: 'a machine that lost its mark is neither stopped nor deleted, and gets it back',
    skip: withoutLabel,
    play: (bench) =>
      withMachine(bench, async (id, instance) => {
        const machine = await shown(bench, id);
        const request = { machine, instance: named(instance) };
        const lose = { ...request, mark: null, expected: machine.mark };
        await bench.client.ask('write-mark', lose, ask());
        const now = await shown(bench, id);
        demand(
          now.mark === null,
          `get shows ${JSON.stringify(now.mark)} where the mark was taken off`,
        );
        const work = bench.verbs().delete(instance);
        await demandRefusal(
          work,
          ['conflict'],
          'delete of a machine without its mark has to be refused',
        );
        const back = { ...request, machine: now, mark: machine.mark, expected: null };
        await bench.client.ask('write-mark', back, ask());
      }),
  },
  {
    title: 'make of a name that a machine has already fails with kind in-use',
    skip: ({ said }) => (said.ids === 'system' ? 'its system chooses the ids' : undefined),
    play: (bench) =>
      withMachine(bench, async (id, instance) => {
        const { mark } = await shown(bench, id);
        const { blueprint } = bench.values;
        const given = { ...named(instance), cpus: 1, memoryBytes: 2 ** 28, nics: [] };
        const request = { instance: given, blueprint, name: id, mark: mark ?? id };
        const work = bench.client.ask('make', request, ask());
        await demandRefusal(work, ['conflict'], `make of ${id} has to fail with kind in-use`);
        onlyOne(await bench.own(instance), 'after a make that had to be refused');
      }),
  },
];

function longMark(text: string): string {
  const installation = 'x'.repeat(64);
  const name = 'i-2-42-VM "\u00e9\u4e2d" $(touch x) `x` \\n {}';
  const long = writeMark({
    ...{ uuid: '0d71e5c4-c4ec-4a8b-a8d5-000000000000', name, installation },
    ...{ remoteId: 'y'.repeat(100), state: 'built', origin: 'created' },
  });
  return `${long}${text}`.slice(0, 600);
}
