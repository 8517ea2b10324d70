import type { Console } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { machineConsole } from '../settings.ts';
import type { Seen } from './match.ts';
import type { Session } from './session.ts';

/** The operator's address with the instance filled in: MAAS has no screen to hand on. */
export async function openConsole(
  session: Session,
  instance: Instance,
  find: () => Promise<Seen>,
): Promise<Console> {
  const { console_url: template } = session.settings;
  if (template === undefined) {
    throw new Failure('unsupported', 'MAAS machines have no console of their own', {
      advice: "Set console_url to the address of a program that shows the machines' consoles",
      tenant: 'This instance has no console',
    });
  }
  const { name, uuid } = instance;
  const { system_id, hostname } = (await find()).machine;
  const url = machineConsole.fill(template, { name, uuid, system_id, hostname });
  return { kind: 'direct', url };
}
