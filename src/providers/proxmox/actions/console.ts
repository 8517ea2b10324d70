import type { Step } from '../../../contract/context.ts';
import type { Console } from '../../../contract/driver.ts';
import { Failure } from '../../../failure.ts';
import { path } from '../../../kit/http/address.ts';
import { isBuilding } from '../../../lifecycle/ownership.ts';
import { notRunning, unfinished } from '../../../lifecycle/refusals.ts';
import { fillConsoleUrl } from '../../../lifecycle/shared-settings.ts';
import { hostOf, readAddresses } from '../api/endpoint.ts';
import { nodeOf } from '../api/task-state.ts';
import { numberOf, recordOf, textOf } from '../api/wire.ts';
import type { Machine } from '../machine/machine.ts';
import { isRunning, readLive, stateOf } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';

/**
 * A port for one VNC client, open for ten seconds on the very server that took the request, which
 * need not be the node of the machine.
 */
export async function openConsole(
  session: Session,
  { instance }: Step,
  find: () => Promise<Machine>,
): Promise<Console> {
  const machine = await find();
  const { console_url: template } = session.settings;
  if (template !== undefined) return { kind: 'direct', url: fillConsoleUrl(template, instance) };
  if (isBuilding(machine)) throw unfinished(machine, instance);
  // A port would be opened for a machine that is off as well.
  const live = await readLive(session, machine);
  if (!isRunning(live)) throw notRunning(machine, instance, stateOf(live));
  return openPort(session, machine);
}

async function openPort(session: Session, { vmid, node }: Machine): Promise<Console> {
  const ask = {
    what: `open a console of machine ${vmid}`,
    form: { websocket: 1, 'generate-password': 1 },
  };
  const target = path`/nodes/${node}/qemu/${vmid}/vncproxy`;
  const { data, endpoint } = await session.api.send('POST', target, ask);
  const answer = recordOf(data);
  const port = numberOf(answer['port']);
  const password = textOf(answer['password']) ?? textOf(answer['ticket']);
  if (port === undefined || password === undefined) {
    throw new Failure('upstream', `Proxmox VE opened no console of machine ${vmid}`);
  }
  const host = addressOf(session, hostOf(endpoint), nodeOf(textOf(answer['upid']) ?? ''));
  return { kind: 'vnc', host, port, password, oneTime: true };
}

/** As the console proxy reaches it: named for the host in the url, or for the node itself. */
function addressOf({ settings }: Session, host: string, node: string): string {
  const { console_address: given } = settings;
  if (given === undefined) return host;
  const addresses = readAddresses(given);
  return addresses.get(node) ?? addresses.get(host) ?? addresses.get('') ?? host;
}
