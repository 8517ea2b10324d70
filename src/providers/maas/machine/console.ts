import type { Console } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { machinePage } from '../api/endpoint.ts';
import type { Machine } from '../api/wire.ts';
import { machineConsole } from '../settings.ts';
import type { Seen } from './match.ts';
import type { Session } from './session.ts';

/** The operator's address with the instance filled in: MAAS has no screen to hand on. */
export async function openConsole(
  session: Session,
  instance: Instance,
  find: () => Promise<Seen>,
): Promise<Console> {
  if (session.settings.console_url === undefined) {
    throw new Failure('unsupported', 'MAAS machines have no console of their own', {
      advice: "Set console_url to the address of a program that shows the machines' consoles",
      tenant: 'This instance has no console',
    });
  }
  return { kind: 'direct', url: consoleOf(session, instance, (await find()).machine) };
}

/** The operator's address, else the machine's page in MAAS. */
export function consoleOf(
  { settings, client }: Session,
  { name, uuid }: Instance,
  { system_id, hostname }: Machine,
): string {
  const { console_url: template } = settings;
  if (template === undefined) return machinePage(client.url, system_id);
  return machineConsole.fill(template, { name, uuid, system_id, hostname });
}
