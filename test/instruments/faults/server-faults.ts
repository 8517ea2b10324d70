import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { few } from './action.ts';
import { fillUp, isRoot } from './disk.ts';
import type { Fault, Scene, Surroundings } from './fault.ts';
import { filesIn } from './verdict.ts';

/** Payloads are checked before anything else is done. */
const refusedAtOnce = ['usage', 'config'] as const;

function payload(name: string, about: string, make: (folder: string) => string): Fault {
  return {
    name,
    about,
    actions: few,
    told: refusedAtOnce,
    timeoutSeconds: 8,
    surround: ({ place }) => ({ call: { payloadFile: make(place.folder) } }),
  };
}

function written(content: string): (folder: string) => string {
  return (folder) => {
    const path = join(folder, 'unreadable.json');
    writeFileSync(path, content);
    return path;
  };
}

const needsRoot = (): string | undefined =>
  isRoot ? undefined : 'a disk without room can be made by root only';

function fullDisk(name: string, about: string, folder: string): Fault {
  return {
    name,
    about,
    timeoutSeconds: 20,
    lacks: needsRoot,
    surround: ({ place }) => ({ undo: fillUp(join(place.folder, folder)) }),
  };
}

/** Everything that calls have left behind is as old as if the clock had been stepped since. */
async function stepClock(scene: Scene, seconds: number): Promise<Surroundings> {
  const { remote, cloud, place } = scene;
  await remote.proxy?.down();
  // An outage is remembered, for as long as the clock says.
  await cloud.call({ word: 'status', timeoutSeconds: 8 });
  await remote.proxy?.up();
  const date = Date.now() / 1000 - seconds;
  for (const file of filesIn(place.folder)) utimesSync(file, date, date);
  return {};
}

function spoil({ place }: Scene): Surroundings {
  const files = ['log/outrigger-memo', 'home']
    .flatMap((name) => filesIn(join(place.folder, name)))
    .map((file) => [file, readFileSync(file)] as const);
  for (const [file, content] of files) writeFileSync(file, content.subarray(0, content.length / 2));
  return {
    undo() {
      for (const [file, content] of files) writeFileSync(file, content);
    },
  };
}

function crowd(name: string, about: string, beside: readonly string[]): Fault {
  return { name, about, surround: () => ({ beside }) };
}

/** Faults of the management server itself: to the process, its files and its clock. */
export const serverFaults: readonly Fault[] = [
  {
    name: 'killed',
    about: 'SIGKILL when one request was worked on, before its answer is there',
    at: 'request',
    signal: 'SIGKILL',
  },
  {
    name: 'terminated',
    about: 'SIGTERM at one request, which is answered all the same',
    at: 'request',
    most: 8,
    signal: 'SIGTERM',
  },
  crowd('twice', 'two processes do the same at once', ['same']),
  crowd('thrice', 'three processes do the same at once', ['same', 'same']),
  crowd('with-status', 'two processes ask for the status meanwhile', ['status', 'status']),
  crowd('with-statuses', 'another process lists the host meanwhile', ['statuses']),
  fullDisk('log-full', 'no room where the log and the failure memo are', 'log'),
  fullDisk('state-full', 'no room where state is kept', 'home'),
  {
    name: 'state-spoiled',
    about: 'every file of the memo and of the state ends in the middle',
    surround: spoil,
  },
  payload('payload-missing', 'the payload file is not there', (folder) =>
    join(folder, 'none.json'),
  ),
  payload(
    'payload-half',
    'the payload file ends in the middle',
    written('{"virtualmachineid":"8f'),
  ),
  payload('payload-empty', 'the payload file is empty', written('')),
  payload('payload-binary', 'the payload file holds no text', written('\u0000\ufffd\u0001')),
  payload('payload-directory', 'the payload file is a directory', (folder) => folder),
  {
    name: 'clock-back',
    actions: few,
    about: 'the clock is set back by an hour after an outage was remembered',
    told: ['success'],
    surround: (scene) => stepClock(scene, -3600),
  },
  {
    name: 'clock-ahead',
    actions: few,
    about: 'the clock jumps ahead by a day after an outage was remembered',
    told: ['success'],
    surround: (scene) => stepClock(scene, 86_400),
  },
];
