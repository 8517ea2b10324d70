import { setTimeout as pause } from 'node:timers/promises';
import type { Done } from './cloud.ts';
import type { Fault, Scene, Surroundings } from './fault.ts';
import { type Complaints, isOf } from './verdict.ts';

/** Actions on an instance that may have become another owner's meanwhile. */
const ofOwner = [
  'start',
  'stop',
  'reboot',
  'delete',
  'status',
  'statuses',
  'getconsole',
  'Reset',
  'RestoreSnapshot',
  'Reinstall',
  'Redeploy',
] as const;

/**
 * Hands the instance's machine to another owner. Afterwards the machine has to be what it was, no matter what
 * the calls were told: it was not theirs.
 */
async function handOver({ remote, cloud }: Scene): Promise<Surroundings> {
  const { backend } = remote;
  const own = (await backend.machines()).find((machine) => isOf(cloud.vm, machine));
  if (own === undefined || backend.disown === undefined) throw new Error('nothing to hand over');
  const { markStays, giveBack } = await backend.disown(own.remoteId);
  const textOf = async (): Promise<string | undefined> =>
    (await backend.machines()).find(({ remoteId }) => remoteId === own.remoteId)?.all;
  const before = await textOf();
  return {
    async judge(done): Promise<Complaints> {
      const touched = `${own.remoteId} belongs to another owner by now and was touched`;
      return [
        ...(before === (await textOf()) ? [] : [touched]),
        ...(markStays ? done.flatMap((each) => judgeDoubt(each, cloud.vm.name)) : []),
      ];
    },
    undo: giveBack,
  };
}

/** With the instance's mark on it the machine is neither gone nor the instance's beyond doubt. */
function judgeDoubt({ word, told, document, output }: Done, name: string): Complaints {
  const powers = document['power_state'] as Readonly<Record<string, unknown>> | undefined;
  if (word === 'statuses') {
    // An account that does not see the machine at all can only leave it out.
    const known = ['PowerOn', 'PowerOff'].includes(String(powers?.[name]));
    return known ? [`statuses is sure of the machine: ${output}`] : [];
  }
  return told === 'success' || told === 'not-found'
    ? [`${word} was told "${told}" of a machine that still carries the mark: ${output}`]
    : [];
}

function lacksOf(reasons: Readonly<Record<string, string>>) {
  return (provider: string): string | undefined => reasons[provider];
}

/** Faults of sight: what a right hides, what is accepted but not visible yet, what another owns by now. */
export const rightsFaults: readonly Fault[] = [
  {
    name: 'hidden',
    about: 'a right is gone without which lists hide a part, and nothing says so',
    actions: ['create', 'start', 'stop', 'delete', 'status', 'statuses', 'Reinstall'],
    narrowRights: true,
    timeoutSeconds: 20,
    lacks: lacksOf({
      maas: 'MAAS hides whole machines, by their owner: see owned',
      simulator: 'a file is read as a whole or not at all',
    }),
    async surround({ remote: { backend } }) {
      await backend.hidePart?.(true);
      return { undo: () => backend.hidePart?.(false) };
    },
  },
  {
    name: 'accepted',
    about:
      'SIGKILL right after one changing request was accepted, whose work begins only a while later',
    at: 'change',
    most: 4,
    actions: ['create', 'create-nothing', 'create-stop', 'create-again', 'clean-up'],
    signal: 'SIGKILL',
    lacks: lacksOf({
      hyperv: 'a step answers when it has ended',
      maas: 'MAAS shows the new state before it answers',
      simulator: 'there is no request',
    }),
    async surround({ remote: { backend } }) {
      await backend.workLater?.(true);
      return { undo: () => backend.workLater?.(false), settle: () => pause(2_500) };
    },
  },
  {
    name: 'owned',
    about:
      'the machine, which no report has shown yet, was given to another owner, though its mark may have outlived that',
    actions: ofOwner,
    timeoutSeconds: 20,
    surround: handOver,
  },
];
