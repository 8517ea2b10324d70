import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RemoteMachine } from '../../conformance/backend.ts';
import type { Vm } from '../../support/payloads.ts';
import { checkForm } from '../fuzz/verdict.ts';
import type { Action, End } from './action.ts';
import type { Done } from './cloud.ts';
import type { Fault, Scene } from './fault.ts';
import type { Injection } from './inject.ts';

/*
 * Conditions that have to hold after every fault. Every function answers complaints; none is a pass.
 */

export type Complaints = readonly string[];

/** One JSON document and nothing else, the right exit code, inside the time-out. */
export function judgeCall(done: Done, killedByUs: boolean): Complaints {
  const { word, output, exitCode, signal, late, tookMs } = done;
  if (late) return [`${word} had not answered when its time was up (${tookMs} ms)`];
  if (signal !== null) {
    if (!killedByUs) return [`${word} ended by ${signal}`];
    // The output of a killed process, if there is any, is a whole document of any content.
    const said = output.startsWith('{"status":"success"') ? 0 : 1;
    return output === '' ? [] : judgeForm(word, { output, exitCode: said });
  }
  return judgeForm(word, { output, exitCode });
}

function judgeForm(word: string, outcome: Pick<Done, 'output' | 'exitCode'>): Complaints {
  try {
    checkForm(outcome);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return [`${word} answered ${JSON.stringify(outcome.output.slice(0, 200))}: ${why}`];
  }
}

/** Whether the machine carries the instance's mark, or what stands for one in the making. */
export function isOf({ uuid }: Vm, { mark, claim }: RemoteMachine): boolean {
  return mark.includes(uuid) || (mark === '' && claim === uuid);
}

/** The claim of a success has to be true at once. */
export function judgeClaim(
  { word, exitCode, document }: Done,
  { cloud }: Scene,
  own: readonly RemoteMachine[],
): Complaints {
  if (exitCode !== 0) return [];
  const is = own.map(({ power }) => power).join(' and ') || 'nowhere';
  const claim = (so: boolean): Complaints =>
    so ? [] : [`${word} answered success, but the machine is ${is}`];
  if (['create', 'start', 'reboot'].includes(word)) return claim(is === 'on');
  if (word === 'stop') return claim(is === 'off' || is === 'nowhere');
  if (word === 'delete') return claim(is === 'nowhere');
  const powers = document['power_state'];
  const said =
    word === 'statuses' ? (powers as Readonly<Record<string, unknown>>)?.[cloud.vm.name] : powers;
  if (word === 'status') return claim(said !== 'PowerOff' || is === 'off');
  if (word === 'statuses') return claim(said !== 'PowerOff' && said !== undefined);
  return [];
}

/** Actions during which the machine may be off for a while. */
const switching = [
  'start',
  'stop',
  'reboot',
  'RestoreSnapshot',
  'RestoreBackup',
  'Reinstall',
  'Redeploy',
];

/** The reports of calls beside the action about a machine that is there all the time. */
export function judgeBeside(
  { name, from, end }: Action,
  beside: readonly Done[],
  { cloud }: Scene,
): Complaints {
  const stays = ['running', 'stopped'].includes(from) && end !== 'gone';
  if (!stays) return [];
  return beside.flatMap(({ word, exitCode, document }) => {
    const powers = document['power_state'];
    if (exitCode !== 0 || powers === undefined) return [];
    const listed = powers as Readonly<Record<string, unknown>>;
    const said = word === 'statuses' ? listed[cloud.vm.name] : powers;
    // MAAS installs only what was given back, so that Redeploy leaves the instance without a machine for some
    // seconds. CloudStack believes an absence only when it lasts for two reports.
    if (said === undefined) return name === 'Redeploy' ? [] : [`${word} left the machine out`];
    const lies = said === 'PowerOff' && !switching.includes(name);
    return lies ? [`${word} said off of a machine that runs`] : [];
  });
}

/** The machines of everybody else are what they were. */
export function judgeOthers(
  before: readonly RemoteMachine[],
  after: readonly RemoteMachine[],
  vm: Vm,
): Complaints {
  const strangers = after.filter((machine) => !isOf(vm, machine));
  const changed = before.filter(
    ({ remoteId, all }) => strangers.find((each) => each.remoteId === remoteId)?.all !== all,
  );
  const known = new Set(before.map(({ remoteId }) => remoteId));
  const made = strangers.filter(({ remoteId }) => !known.has(remoteId));
  return [
    ...changed.map(({ name, remoteId }) => `${name} (${remoteId}) is not ours and was touched`),
    ...made.map(
      ({ name, remoteId }) => `${name} (${remoteId}) is there and belongs to no instance`,
    ),
  ];
}

const wanted: Readonly<Record<Exclude<End, 'audited'>, string>> = {
  running: 'on',
  stopped: 'off',
  gone: '',
};

/** How many machines the instance has, and whether they run. */
export function judgeEnd(end: End, own: readonly RemoteMachine[]): Complaints {
  if (end === 'audited') return [];
  const is = own.map(({ power }) => power).join(' and ');
  return is === wanted[end] ? [] : [`has to be ${end} in the end, but is ${is || 'gone'}`];
}

/** CloudStack makes no further call after a clean-up that succeeded: nothing unfinished may come up behind it. */
export function judgeCleanUp(own: readonly RemoteMachine[]): Complaints {
  return own
    .filter(({ mark, claim }) => mark.includes('"state":"building"') || claim !== undefined)
    .map(
      ({ remoteId }) => `${remoteId} is unfinished, although the stop after the create succeeded`,
    );
}

/** The error that the caller got, where the fault leaves no choice; and that the fault was there. */
export function judgeTold(fault: Fault, { done, hit, connections }: Injection): Complaints {
  const { told, mostConnections = Number.POSITIVE_INFINITY } = fault;
  if (!hit) return ['the fault never injected'];
  if (connections > mostConnections) return [`${connections} connections were opened`];
  if (told === undefined) return [];
  return done
    .filter((each) => !told.includes(each.told))
    .map(
      (each) =>
        `${each.word} was told "${each.told}" instead of ${told.join(' or ')}: ${each.output}`,
    );
}

/** The machine is still the one that it was, with what was on its disk. */
export function judgeSame(
  { from, newDisk = false }: Action,
  before: readonly RemoteMachine[],
  after: readonly RemoteMachine[],
): Complaints {
  const [was] = before;
  const [is] = after;
  if (was === undefined || is === undefined || ['prepared', 'partial'].includes(from)) return [];
  if (was.remoteId !== is.remoteId) return [`${was.remoteId} has become ${is.remoteId}`];
  const lost = !newDisk && was.disk !== is.disk;
  return lost ? [`the disk of ${is.remoteId} holds something else`] : [];
}

/** No secret in any output, in the log, or in any file that was written. */
export function judgeSecrets({ place, remote, cloud }: Scene): Complaints {
  const secrets = [...remote.backend.secrets, 'Xk3vP0cUQ9sZJw'].flatMap((secret) => [
    secret,
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    encodeURIComponent(secret),
  ]);
  const files = ['log', 'home'].flatMap((name) => filesIn(join(place.folder, name)));
  const texts = new Map([
    ['an answer', cloud.said.join('\n')],
    ...files.map(
      (file) => [file.slice(place.folder.length + 1), readFileSync(file, 'latin1')] as const,
    ),
  ]);
  return [...texts].flatMap(([where, text]) =>
    secrets.some((secret) => text.includes(secret)) ? [`a secret in ${where}`] : [],
  );
}

/** All plain files below a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}
