import type { Step } from '../../../contract/context.ts';
import type { Console } from '../../../contract/driver.ts';
import { Failure } from '../../../failure.ts';
import { fillConsoleUrl } from '../../../lifecycle/shared-settings.ts';
import { broken } from '../api/failures.ts';
import { onMachine } from '../machine/request.ts';
import type { Seen, Session } from '../machine/session.ts';

/** The driver's own console, or else the operator's address. */
export async function openConsole(
  session: Session,
  { instance, deadline }: Step,
  find: () => Promise<Seen>,
): Promise<Console> {
  const { client, driver, has, settings } = session;
  const { console_url: address } = settings;
  if (!has('console')) {
    if (typeof address !== 'string') throw withoutConsole(driver);
    await find();
    return { kind: 'direct', url: fillConsoleUrl(address, instance) };
  }
  const machine = await find();
  const what = `open the console of machine ${machine.remoteId}`;
  const said = await client.ask('console', onMachine(machine, instance), { what, deadline });
  const { url, host, port, password } = said;
  if (url !== undefined && /^https?:\/\/\S+$/.test(url)) return { kind: 'direct', url };
  if (host !== undefined && port !== undefined) {
    return { kind: 'vnc', host, port, ...(password === undefined ? {} : { password }) };
  }
  throw broken(
    `Driver ${driver} could not ${what}`,
    'it answered no http address, and no host with port',
  );
}

function withoutConsole(driver: string): Failure {
  return new Failure('unsupported', `Driver ${driver} has no console`, {
    advice: 'Set console_url',
    tenant: 'This instance has no console',
  });
}
