import type { Plan } from '../../../contract/driver.ts';
import * as changing from '../api/commands/changing.ts';
import { isSamePath } from '../api/paths.ts';
import type { Adapter, Details } from '../api/wire.ts';
import type { Blueprint } from '../blueprint.ts';
import { type Hardware, hardwareOf, isWiredAs, pairUp, type Wiring } from './hardware.ts';
import { type HostMachine, ownOf, readDetails } from './list.ts';
import { changePower, withState } from './power.ts';
import { seedPlace } from './seed-place.ts';
import { ask, type Session } from './session.ts';
import { settle } from './settle.ts';
import { isRunning } from './state.ts';

/** Brings size and adapters up to date and switches the machine on, which has to be off. */
export async function powerOn(
  session: Session,
  machine: HostMachine,
  { instance, blueprint }: Pick<Plan<Partial<Blueprint>>, 'instance' | 'blueprint'>,
): Promise<HostMachine> {
  const hardware = hardwareOf(instance, session.settings);
  const { adapters: known, ...made } = machine;
  const details = known === undefined ? await readDetails(session, machine) : undefined;
  const adapters = known ?? details?.adapters ?? [];
  // A create has brought the seed already.
  if (details !== undefined && mayHaveSeed(session, machine, { instance, blueprint, details })) {
    const seeding = { instance, blueprint, media: details.media };
    await (await import('./seed.ts')).placeSeed(session, machine, seeding);
  }
  await reshape(session, machine, hardware);
  await rewire(session, machine, adapters, hardware.wiring);
  await changePower(session, machine, 'start', isRunning);
  return withState(made, 'Running');
}

interface Told extends Pick<Plan<Partial<Blueprint>>, 'instance' | 'blueprint'> {
  readonly details: Details;
}

function mayHaveSeed({ settings }: Session, machine: HostMachine, told: Told): boolean {
  const { instance, blueprint, details } = told;
  const place = seedPlace(settings, machine);
  const hasOne = place !== '' && details.media.some((path) => isSamePath(path, place));
  return hasOne || instance.guest !== undefined || blueprint.user_data !== undefined;
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
