import type { GuestData } from '../contract/guest.ts';
import type { GuestRecord, GuestStore } from '../contract/guest-store.ts';
import type { Instance, SizedInstance } from '../contract/instance.ts';
import { Failure } from '../failure.ts';
import { instanceIdFor } from '../guest/instance-id.ts';
import type { Life } from './find.ts';

type Work = (life: Life, instance: SizedInstance) => Promise<void>;

/**
 * Lets a create or a start do its work with the data that CloudStack's network half has kept for the
 * guest. A password is handed over once: with the power-on that succeeds.
 */
export async function handOver(life: Life, instance: SizedInstance, work: Work): Promise<void> {
  const { driver, context } = life;
  const { deadline } = context;
  const store = await driver.guests?.();
  if (store === undefined) return work(life, instance);
  const all = await store.read({ instanceUuid: instance.uuid }, deadline);
  const records = all.filter(({ nicUuid }) => instance.nics.some(({ uuid }) => uuid === nicUuid));
  const guest = guestFrom(records, instance);
  const given = guest === undefined ? instance : { ...instance, guest };
  const watched = watchPowerOn(life);
  await work(watched.life, given);
  if (watched.wasSwitchedOn()) await forgetPasswords(life, store, records);
}

/** A machine that was on already has handed nothing over. */
function watchPowerOn(life: Life) {
  let switchedOn = false;
  const { driver } = life;
  const powerOn: typeof driver.powerOn = async (...given) => {
    const machine = await driver.powerOn(...given);
    switchedOn = true;
    return machine;
  };
  return {
    life: { ...life, driver: { ...driver, powerOn } },
    wasSwitchedOn: () => switchedOn,
  };
}

/** The payload's own data win: where both come they are the same, and the payload is younger. */
function guestFrom(
  records: readonly GuestRecord[],
  instance: SizedInstance,
): GuestData | undefined {
  const password = records.find((record) => record.password !== undefined)?.password;
  const withPassword = password === undefined ? {} : { password };
  if (instance.guest !== undefined) return { ...withPassword, ...instance.guest };
  const told = records.filter(({ data }) => data !== undefined);
  const data = (told.find(({ nic }) => nic.isDefault) ?? told[0])?.data;
  if (data === undefined) return undefined;
  return {
    ...data,
    ...withPassword,
    hostname: data.hostname === '' ? instance.name : data.hostname,
    instanceId: instanceIdFor(instance.uuid, data.userData),
    nics: instance.nics,
  };
}

/** The machine runs by then: a password that could not be removed is only handed over once more. */
async function forgetPasswords(
  { context }: Life,
  store: GuestStore,
  records: readonly GuestRecord[],
): Promise<void> {
  for (const { nicUuid, password } of records) {
    if (password === undefined) continue;
    const work = () => forgetOne(store, nicUuid, password, context.deadline);
    try {
      await (store.exclusive?.(nicUuid, work, context.deadline) ?? work());
    } catch (thrown) {
      const error = Failure.from(thrown).message;
      context.log('guest.password-kept', { level: 'warn', nic: nicUuid, error });
    }
  }
}

/** A reset that came meanwhile is for the next start. */
async function forgetOne(
  store: GuestStore,
  nicUuid: string,
  handedOver: string,
  deadline: Life['context']['deadline'],
): Promise<void> {
  const [now] = await store.read({ nicUuid }, deadline);
  if (now?.password !== handedOver) return;
  const { password: _, ...rest } = now;
  await store.write(rest, deadline);
}

/** The end of an instance is the end of what was kept for it; `audit` shows what could not be removed. */
export async function forget({ driver, context }: Life, instance: Instance): Promise<void> {
  const { deadline, log } = context;
  try {
    const store = await driver.guests?.();
    const records = await store?.read({ instanceUuid: instance.uuid }, deadline);
    for (const { nicUuid } of records ?? []) await store?.remove(nicUuid, deadline);
  } catch (thrown) {
    log('guest.not-removed', { level: 'warn', error: Failure.from(thrown).message });
  }
}
