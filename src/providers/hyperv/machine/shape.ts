import type { SizedInstance } from '../../../contract/instance.ts';
import * as changing from '../api/commands/changing.ts';
import type { Adapter } from '../api/wire.ts';
import { type Hardware, hardwareOf, isWiredAs, pairUp, type Wiring } from './hardware.ts';
import { type HostMachine, ownOf, readDetails } from './list.ts';
import { changePower, withState } from './power.ts';
import { ask, type Session } from './session.ts';
import { settle } from './settle.ts';
import { isRunning } from './state.ts';

/** Brings size and adapters up to date and switches the machine on, which has to be off. */
export async function powerOn(
  session: Session,
  machine: HostMachine,
  instance: SizedInstance,
): Promise<HostMachine> {
  const hardware = hardwareOf(instance, session.settings);
  const { adapters: known, ...made } = machine;
  const adapters = known ?? (await readDetails(session, machine)).adapters;
  await reshape(session, machine, hardware);
  await rewire(session, machine, adapters, hardware.wiring);
  await changePower(session, machine, 'start', isRunning);
  return withState(made, 'Running');
}

/** Sets size and policies of a machine that is off. */
export async function reshape(
  session: Session,
  machine: HostMachine,
  { cpus, memory, minimum }: Omit<Hardware, 'wiring'>,
): Promise<void> {
  const { settings } = session;
  await ask(session, changing.shape, {
    ...ownOf(machine),
    ...{ cpus, memory, minimum },
    startAction: startActions[settings.automatic_start_action],
    stopAction: stopActions[settings.automatic_stop_action],
    checkpointType: checkpointTypes[settings.checkpoint_type],
  });
}

/**
 * Sets the adapters. One that is there is changed in place, since the guest would take a new one for
 * another card.
 */
export async function rewire(
  session: Session,
  machine: HostMachine,
  there: readonly Adapter[],
  wiring: readonly Wiring[],
  again = true,
): Promise<void> {
  if (isWiredAs(there, wiring)) return;
  const { kept, spare } = pairUp(there, wiring);
  const given = {
    ...ownOf(machine),
    remove: spare.map((adapter) => adapter.id),
    adapters: wiring.map((wanted, i) => ({ ...wanted, id: kept[i]?.id ?? '', name: `NIC ${i}` })),
  };
  await settle(
    session,
    machine,
    () => ask(session, changing.wire, given),
    ({ adapters }) => isWiredAs(adapters, wiring),
    again ? ({ adapters }) => rewire(session, machine, adapters, wiring, false) : undefined,
  );
}

const startActions = {
  nothing: 'Nothing',
  startifrunning: 'StartIfRunning',
  start: 'Start',
} as const;
const stopActions = { shutdown: 'ShutDown', turnoff: 'TurnOff', save: 'Save' } as const;

export const checkpointTypes = {
  production: 'Production',
  productiononly: 'ProductionOnly',
  standard: 'Standard',
} as const;
