import type { SizedInstance } from '../../../contract/instance.ts';
import { expectFailure } from '../../../failure.ts';
import type { Bench } from './bench.ts';
import type { Interruption } from './recorder.ts';
import { demand, demandPower, onlyOne, type Rule } from './rule.ts';

type Verb = 'create' | 'start' | 'delete';

interface Plot {
  readonly verb: Verb;
  readonly how: Interruption['how'];
  /** Settles the instance after the interruption, and looks whether it is. */
  settle(bench: Bench, instance: SizedInstance, when: string): Promise<void>;
}

/** The verb without any interruption, for counting its changing primitives. */
function run({ verbs, values }: Bench, verb: Verb, instance: SizedInstance): Promise<void> {
  if (verb === 'create') return verbs().create(instance, values.blueprint);
  if (verb === 'start') return verbs().start(instance, values.blueprint);
  return verbs().delete(instance);
}

/** The instance as the verb finds it. */
async function ready(bench: Bench, verb: Verb): Promise<SizedInstance> {
  const instance = bench.instance();
  if (verb === 'create') return instance;
  await bench.verbs().create(instance, bench.values.blueprint);
  if (verb === 'start') await bench.verbs().stop(instance, 'hard');
  return instance;
}

/** Interrupts the verb at each of its changing primitives in turn, and settles after each. */
async function atEveryChange(bench: Bench, { verb, how, settle }: Plot): Promise<void> {
  const { recorder } = bench;
  const counted = await ready(bench, verb);
  recorder.interrupt(undefined);
  await run(bench, verb, counted);
  const changes = recorder.interrupt(undefined);
  await bench.verbs().delete(counted);
  for (let change = 1; change <= changes; change += 1) {
    const instance = await ready(bench, verb);
    recorder.interrupt({ change, how });
    await run(bench, verb, instance).catch(expectFailure);
    recorder.interrupt(undefined);
    await settle(
      bench,
      instance,
      `after a ${verb} that was interrupted ${words[how]} change ${change}`,
    );
    await bench.verbs().delete(instance);
    const left = await bench.own(instance);
    demand(
      left.length === 0,
      `after a ${verb} that was interrupted and a delete, a machine is left`,
    );
  }
}

const words = { after: 'after', middle: 'in the middle of' } as const;

async function createAgain(bench: Bench, instance: SizedInstance, when: string): Promise<void> {
  await bench.verbs().create(instance, bench.values.blueprint);
  const machine = onlyOne(await bench.own(instance), `${when} and another create`);
  demandPower(machine, 'on', `${when} and another create`);
}

async function stop(bench: Bench, instance: SizedInstance, when: string): Promise<void> {
  await bench.verbs().stop(instance, 'hard');
  const left = await bench.own(instance);
  const running = left.filter(({ power }) => power !== 'off');
  const unfinished = left.filter(
    ({ mark }) => typeof mark === 'object' && mark.state === 'building',
  );
  demand(running.length === 0, `${when} and a stop, a machine still runs`);
  demand(unfinished.length === 0, `${when} and a stop, an unfinished machine is left`);
}

async function startAgain(bench: Bench, instance: SizedInstance, when: string): Promise<void> {
  await bench.verbs().start(instance, bench.values.blueprint);
  const machine = onlyOne(await bench.own(instance), `${when} and another start`);
  demandPower(machine, 'on', `${when} and another start`);
}

const nothingMore = async (): Promise<void> => {};

/** A process of ours, or of the driver, can be killed at any moment. */
export const interruptionRules: readonly Rule[] = [
  {
    title: 'a create whose answers get lost after any change is settled by the next create',
    play: (bench) => atEveryChange(bench, { verb: 'create', how: 'after', settle: createAgain }),
  },
  {
    title: 'a create that is killed in the middle of any change is settled by the next create',
    play: (bench) => atEveryChange(bench, { verb: 'create', how: 'middle', settle: createAgain }),
  },
  {
    title: 'the stop after a create that broke off at any change removes everything that it left',
    play: (bench) => atEveryChange(bench, { verb: 'create', how: 'after', settle: stop }),
  },
  {
    title: 'a start that is killed in the middle of any change is settled by the next start',
    play: (bench) => atEveryChange(bench, { verb: 'start', how: 'middle', settle: startAgain }),
  },
  {
    title: 'a delete that is killed in the middle of any change is finished by the next one',
    play: (bench) => atEveryChange(bench, { verb: 'delete', how: 'middle', settle: nothingMore }),
  },
  {
    title: 'two creates of one instance on two servers at once make one machine',
    async play(bench) {
      const instance = bench.instance();
      const { blueprint } = bench.values;
      const twins = ['one', 'two'].map((server) => bench.verbs(server).create(instance, blueprint));
      const results = await Promise.allSettled(twins);
      const succeeded = results.some(({ status }) => status === 'fulfilled');
      if (!succeeded) await bench.verbs().create(instance, blueprint);
      const machine = onlyOne(await bench.own(instance), 'after two creates at once');
      demandPower(machine, 'on', 'after two creates at once');
      await bench.verbs().delete(instance);
    },
  },
];
