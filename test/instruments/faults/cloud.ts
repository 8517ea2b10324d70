import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  admin,
  alice,
  type Details,
  type HostDetails,
  payloadFor,
  system,
  type Vm,
} from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import { installation, keep, newInstance } from '../bench/instance.ts';
import { type Ended, type Started, start } from './started.ts';
import type { System } from './systems.ts';

/** A call as CloudStack makes it; a word that is none of its own is a custom action. */
export interface Call {
  readonly word: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly state?: string;
  readonly deploying?: boolean;
  readonly timeoutSeconds?: number;
  /** For another host. */
  readonly host?: HostDetails;
  /** Settings of the host besides. */
  readonly settings?: Details;
  /** In place of the payload file that CloudStack writes. */
  readonly payloadFile?: string;
  /** A command that runs its own arguments, to be put in front. */
  readonly through?: readonly string[];
}

export interface Done extends Ended {
  readonly word: string;
  readonly document: Readonly<Record<string, unknown>>;
  /** `success`, the word of the failure's kind, or how the process ended without one. */
  readonly told: string;
}

/** The CloudStack of one case, with one instance. */
export interface Cloud {
  readonly vm: Vm;
  readonly installation: string;
  /** Details of the host that CloudStack calls for, all levels of them. */
  details(host?: HostDetails): HostDetails;
  begin(call: Call): Begun;
  call(call: Call): Promise<Done>;
  /** As `call`, in this process and therefore cheaper; what fails is an error of the case. */
  bring(call: Call): Promise<void>;
  /** The answer to the last call that was brought. */
  readonly brought: string;
  /** Every output there was. */
  readonly said: readonly string[];
  /** Further instances that a report has to contain. */
  note(text: string): void;
  readonly notes: readonly string[];
}

export interface Begun extends Pick<Started, 'pid' | 'kill'> {
  readonly done: Promise<Done>;
}

const own = new Set(
  ['prepare', 'create', 'start', 'stop', 'reboot', 'delete'].concat([
    'status',
    'statuses',
    'getconsole',
  ]),
);

/** Time enough for a call without a fault. */
const patience = 60;

export function createCloud(place: Place, remote: System, file: string): Cloud {
  const { backend } = remote;
  let vm = newInstance(42, backend.chosen);
  let calls = 0;
  let brought = '';
  const said: string[] = [];
  const notes: string[] = [];
  const payloads = join(place.folder, 'payloads');
  mkdirSync(payloads);
  const details = (host = remote.through()): HostDetails => ({
    ...host,
    extension: { provider: backend.provider, installation, ...host.extension },
  });
  const contentOf = ({ word, parameters, state, deploying, host, settings }: Call): unknown => {
    const custom = own.has(word) ? undefined : { name: word, parameters: parameters ?? {} };
    return payloadFor(custom === undefined ? word : 'custom', {
      vm,
      host: withSettings(details(host), settings),
      caller: custom !== undefined ? admin : word.startsWith('status') ? system : alice,
      ...(state === undefined ? {} : { state }),
      ...(deploying === undefined ? {} : { deploying }),
      ...(custom === undefined ? {} : { custom }),
    });
  };
  const write = (call: Call): string => {
    calls += 1;
    const path = join(payloads, `${calls}.json`);
    writeFileSync(path, JSON.stringify(contentOf(call)));
    return path;
  };
  const begin = (call: Call): Begun => {
    const { word, timeoutSeconds = patience, payloadFile = write(call), through = [] } = call;
    const { pid, kill, ended } = start({
      command: [...through, file, word, payloadFile, String(timeoutSeconds)],
      timeoutSeconds,
      env: {
        HOME: join(place.folder, 'home'),
        OUTRIGGER_CONFIG: join(place.folder, 'config.json'),
      },
      folder: place.folder,
    });
    const done = ended.then((end) => {
      said.push(end.output);
      const document = parsed(end.output);
      return { ...end, word, document, told: toldBy(place, end, document) };
    });
    return { pid, kill, done };
  };
  const cloud: Cloud = {
    get vm() {
      return vm;
    },
    installation,
    details,
    begin,
    async call(call) {
      const done = await begin(call).done;
      if (call.word === 'prepare' && done.exitCode === 0) vm = keep(vm, done.document);
      return done;
    },
    async bring(call) {
      const payload = contentOf(call);
      const done = await place.call(call.word, payload, { registry: backend.registry });
      if (done.exitCode !== 0) throw new Error(`the case cannot begin: ${done.text}`);
      if (call.word === 'prepare') vm = keep(vm, done.document);
      brought = done.text;
    },
    get brought() {
      return brought;
    },
    said,
    note: (text) => void notes.push(text),
    notes,
  };
  return cloud;
}

function withSettings(details: HostDetails, settings: Details = {}): HostDetails {
  return { ...details, host: { ...details.host, ...settings } };
}

function parsed(output: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(output);
  } catch {
    return {};
  }
}

/** The kind of a failure is a word of the log; its text is for people. */
function toldBy(place: Place, { pid, exitCode, signal }: Ended, document: object): string {
  if (signal !== null) return `killed by ${signal}`;
  if (exitCode === 0) return 'success';
  const line = linesOf(place).find((each) => each['pid'] === pid && each['event'] === 'call');
  return String(line?.['outcome'] ?? ('error' in document ? 'failure' : 'nothing'));
}

function linesOf(place: Place): readonly Readonly<Record<string, unknown>>[] {
  try {
    return place.log();
  } catch {
    return [];
  }
}
