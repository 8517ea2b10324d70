import type { Bench } from './bench.ts';
import { demand, demandPower, onlyOne, type Rule } from './rule.ts';

const lacking =
  (capability: string) =>
  ({ has }: Bench): string | undefined =>
    has(capability) ? undefined : `the driver has no ${capability}`;

/** The primitives that a driver may leave out. */
export const optionalRules: readonly Rule[] = [
  {
    title: 'a snapshot is taken, listed, restored and removed, and the instance keeps its mark',
    skip: lacking('snapshots'),
    async play(bench) {
      const instance = bench.instance();
      const call = (parameters: Readonly<Record<string, string>>) => ({
        ...{ instance, parameters, policy: {}, blueprint: bench.values.blueprint },
      });
      await bench.verbs().create(instance, bench.values.blueprint);
      await bench.verbs().stop(instance, 'hard');
      const named = call({ snap_name: 'before-check' });
      await bench.verbs().run('CreateSnapshot', named);
      const { rows = [] } = await bench.verbs().run('ListSnapshots', call({}));
      const names = rows.map((row) => row['Snapshot']).join(', ');
      demand(names === 'before-check', `list-snapshots shows ${names || 'none'}`);
      await bench.verbs().run('RestoreSnapshot', named);
      onlyOne(await bench.own(instance), 'after the restore');
      await bench.verbs().run('DeleteSnapshot', named);
      const { rows: left = [] } = await bench.verbs().run('ListSnapshots', call({}));
      demand(left.length === 0, 'list-snapshots still shows the snapshot that was removed');
      await bench.verbs().delete(instance);
    },
  },
  {
    title: 'a machine with snapshots can be deleted',
    skip: lacking('snapshots'),
    async play(bench) {
      const instance = bench.instance();
      const { blueprint } = bench.values;
      await bench.verbs().create(instance, blueprint);
      await bench.verbs().stop(instance, 'hard');
      const parameters = { snap_name: 'stays' };
      await bench.verbs().run('CreateSnapshot', { instance, parameters, policy: {}, blueprint });
      await bench.verbs().delete(instance);
      demand((await bench.own(instance)).length === 0, 'after delete, a machine is left');
    },
  },
  {
    title: 'the console of a machine that runs is an address',
    skip: lacking('console'),
    async play(bench) {
      const instance = bench.instance();
      await bench.verbs().create(instance, bench.values.blueprint);
      await bench.verbs().console(instance);
      await bench.verbs().delete(instance);
    },
  },
  {
    title: 'find shows the machine of an instance and no other instance’s',
    skip: lacking('find'),
    async play(bench) {
      const [one, other] = [bench.instance(), bench.instance()];
      for (const instance of [one, other]) {
        await bench.verbs().create(instance, bench.values.blueprint);
      }
      const power = await bench.verbs().power(one);
      demand(power === 'on', `status by find says ${power}`);
      const machine = onlyOne(await bench.own(one), 'after two creates');
      demandPower(machine, 'on', 'after two creates');
      for (const instance of [one, other]) await bench.verbs().delete(instance);
    },
  },
];
