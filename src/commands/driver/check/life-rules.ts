import type { SizedInstance } from '../../../contract/instance.ts';
import type { Bench } from './bench.ts';
import { demand, demandPower, onlyOne, type Rule } from './rule.ts';

async function created(bench: Bench, instance = bench.instance()): Promise<SizedInstance> {
  await bench.verbs().create(instance, bench.values.blueprint);
  return instance;
}

async function ended(bench: Bench, instance: SizedInstance): Promise<void> {
  await bench.verbs().delete(instance);
  const left = await bench.own(instance);
  demand(left.length === 0, 'after delete, list still shows a machine with the mark');
}

/** The life of an instance, in the order in which CloudStack plays it. */
export const lifeRules: readonly Rule[] = [
  {
    title: 'create ends with one machine that runs, marked and sized as the instance',
    async play(bench) {
      const instance = await created(bench);
      const machine = onlyOne(await bench.own(instance), 'after create');
      demandPower(machine, 'on', 'after create');
      const power = await bench.verbs().power(instance);
      demand(power === 'on', `after create, status says ${power}`);
      demandSize(bench, machine, instance);
      await ended(bench, instance);
    },
  },
  {
    title: 'a second create finds the machine of the first and leaves it as it is',
    async play(bench) {
      const instance = await created(bench);
      const before = onlyOne(await bench.own(instance), 'after create');
      await created(bench, instance);
      const after = onlyOne(await bench.own(instance), 'after a second create');
      demand(after.remoteId === before.remoteId, 'the second create made another machine');
      await ended(bench, instance);
    },
  },
  {
    title: 'stop ends with the machine off, start with the same one on, and both may come twice',
    async play(bench) {
      const instance = await created(bench);
      for (const manner of ['hard', 'graceful'] as const) {
        for (const time of ['first', 'second']) {
          await bench.verbs().stop(instance, manner);
          const off = onlyOne(await bench.own(instance), `after the ${time} ${manner} stop`);
          demandPower(off, 'off', `after the ${time} ${manner} stop`);
        }
        for (const time of ['first', 'second']) {
          await bench.verbs().start(instance, bench.values.blueprint);
          const on = onlyOne(await bench.own(instance), `after the ${time} start`);
          demandPower(on, 'on', `after the ${time} start`);
        }
      }
      await ended(bench, instance);
    },
  },
  {
    title: 'start brings CPUs, memory and NICs to what the instance has now',
    skip: ({ said }) => (said.hardware === 'fixed' ? 'its hardware is fixed' : undefined),
    async play(bench) {
      const instance = await created(bench);
      await bench.verbs().stop(instance, 'hard');
      const nics = instance.nics.map((nic) => ({ ...nic, mac: nic.mac.replace(/^02/, '06') }));
      const changed = { ...instance, cpus: 2, memoryBytes: instance.memoryBytes * 2, nics };
      await bench.verbs().start(changed, bench.values.blueprint);
      demandSize(bench, onlyOne(await bench.own(instance), 'after start'), changed);
      await ended(bench, instance);
    },
  },
  {
    title: 'reboot ends with the machine on',
    async play(bench) {
      const instance = await created(bench);
      await bench.verbs().reboot(instance);
      demandPower(onlyOne(await bench.own(instance), 'after reboot'), 'on', 'after reboot');
      await ended(bench, instance);
    },
  },
  {
    title: 'delete removes the machine, running or not, and may come twice',
    async play(bench) {
      const running = await created(bench);
      await ended(bench, running);
      await ended(bench, running);
      const off = await created(bench);
      await bench.verbs().stop(off, 'hard');
      await ended(bench, off);
      const power = await bench.verbs().power(off);
      demand(power === 'missing', `after delete, status says ${power}`);
    },
  },
  {
    title: 'a report of all instances holds each of them with its state',
    async play(bench) {
      const [on, off] = [await created(bench), await created(bench)];
      await bench.verbs().stop(off, 'hard');
      const powers = await bench.verbs().powers();
      demand(
        powers.get(on.name) === 'on',
        `the report says ${powers.get(on.name)} of one that runs`,
      );
      demand(
        powers.get(off.name) === 'off',
        `the report says ${powers.get(off.name)} of one that is off`,
      );
      await ended(bench, on);
      await ended(bench, off);
    },
  },
];

function demandSize(
  { said }: Bench,
  machine: { cpus?: number; memoryBytes?: number; nics?: readonly { mac: string }[] },
  instance: SizedInstance,
): void {
  if (said.hardware === 'fixed') return;
  const { cpus, memoryBytes, nics = [] } = machine;
  const shown = `${cpus} CPUs, ${memoryBytes} bytes and NICs ${nics.map(({ mac }) => mac).join(', ')}`;
  const same =
    cpus === instance.cpus &&
    memoryBytes === instance.memoryBytes &&
    nics.map(({ mac }) => mac.toLowerCase()).join() === instance.nics.map(({ mac }) => mac).join();
  demand(
    same,
    `list shows ${shown}, and the instance has ${instance.cpus} CPUs, ${instance.memoryBytes} bytes and NICs ${instance.nics.map(({ mac }) => mac).join(', ')}`,
  );
}
