import type { Step } from '../../../contract/context.ts';
import type { Console } from '../../../contract/driver.ts';
import { Failure } from '../../../failure.ts';
import { first, writeTree, type XmlNode } from '../../../kit/xml/tree.ts';
import { fillConsoleUrl } from '../../../lifecycle/shared-settings.ts';
import { affects, changeDevice } from '../api/domains.ts';
import { randomPassword } from './description.ts';
import { readDescription } from './hardware.ts';
import { type Machine, stateOf } from './machines.ts';
import type { Session } from './session.ts';

/** The console proxy connects at once; who looks at it later asks for a password of his own. */
const passwordMs = 60_000;

/** Gives the running screen a password that is new and soon runs out. */
export async function openConsole(
  session: Session,
  { instance, deadline }: Step,
  find: () => Promise<Machine>,
): Promise<Console> {
  const { client, settings } = session;
  const { console_url: address, console_address, vnc_listen } = settings;
  const machine = await find();
  if (address !== undefined) return { kind: 'direct', url: fillConsoleUrl(address, instance) };
  const state = stateOf(machine);
  if (state !== 'on' && state !== 'paused') throw withoutScreen('The instance is not running');
  const description = await readDescription(session, machine, 'now', deadline);
  const screen = first(description, 'devices', 'graphics');
  const port = Number(screen?.attributes['port'] ?? -1);
  if (screen?.attributes['type'] !== 'vnc' || port < 1) {
    throw withoutScreen('The machine of this instance has no VNC screen');
  }
  const password = randomPassword();
  const xml = writeTree(withPassword(screen, password, new Date(Date.now() + passwordMs)));
  const ask = { what: `open the screen of ${instance.name}`, deadline, flags: affects.live };
  await changeDevice(client, machine.domain, 'updateDevice', xml, ask);
  return { kind: 'vnc', host: console_address ?? vnc_listen, port, password };
}

function withPassword(screen: XmlNode, passwd: string, until: Date): XmlNode {
  const passwdValidTo = until.toISOString().slice(0, 19);
  return { ...screen, attributes: { ...screen.attributes, passwd, passwdValidTo } };
}

function withoutScreen(sentence: string): Failure {
  return new Failure('conflict', sentence, { tenant: sentence });
}
