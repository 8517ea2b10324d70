import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { displayDoubts } from '../../src/commands/as-cloudstack/custom-result.ts';
import type { Provider } from '../../src/contract/provider.ts';
import { formFault } from '../support/answer-form.ts';
import {
  alice,
  type Caller,
  type Custom,
  type Details,
  type HostDetails,
  payloadFor,
  system,
  type Vm,
} from '../support/payloads.ts';
import { type Done, makePlace, type Place } from '../support/world.ts';
import type { Backend, RemoteMachine, SetUp } from './backend.ts';

export const installation = 'cloud-under-test';

export interface Options {
  readonly caller?: Caller | 'unnamed';
  readonly state?: string;
  readonly deploying?: boolean;
  readonly timeoutSeconds?: number;
  /** Further host details for this call, such as a policy. */
  readonly host?: Details;
  /** The details of another host. */
  readonly from?: HostDetails;
}

/** The world of one case: a CloudStack with one instance, and the remote system behind it. */
export interface Scene {
  readonly backend: Backend;
  readonly provider: Provider;
  readonly cloud: Cloud;
  /** The folder, home and log of the case. */
  readonly place: Place;
}

/** A CloudStack with one instance: makes the calls and keeps of the answers what CloudStack keeps. */
export interface Cloud {
  readonly vm: Vm;
  /** Another instance of the same CloudStack, with everything else alike. */
  another(): Cloud;
  /** Changes what CloudStack knows of the instance. */
  change(vm: Partial<Vm>): void;
  call(action: string, options?: Options): Promise<Done>;
  custom(name: string, parameters?: Custom['parameters'], options?: Options): Promise<Done>;
  /** As `call`, and the call has to succeed. */
  ok(action: string, options?: Options): Promise<Done>;
  okCustom(name: string, parameters?: Custom['parameters'], options?: Options): Promise<Done>;
  /** Prepare and create, as for a new instance. */
  deploy(options?: Options): Promise<void>;
  /** The one machine whose mark names the instance. */
  machine(): Promise<RemoteMachine>;
  /** Everything that was ever answered or logged. */
  allOutput(): string;
}

/** Runs one case with a scene of its own and takes it down again. */
export function inScene(
  setUp: SetUp,
  play: (scene: Scene, t: TestContext) => Promise<void>,
): (t: TestContext) => Promise<void> {
  return async (t) => {
    const answers: string[] = [];
    const place = makePlace({});
    const backend = await setUp(place);
    try {
      const load = backend.registry[backend.provider];
      assert.ok(load, `the registry has no ${backend.provider}`);
      const provider = await load();
      const cloud = createCloud(place, backend, provider, answers, 42);
      await play({ backend, provider, cloud, place }, t);
    } finally {
      await backend.close();
      place.remove();
    }
  };
}

/** Whether the case can be played; a missing ability skips it with the backend's own reason. */
export function has<Ability extends keyof Backend>(
  t: TestContext,
  backend: Backend,
  ability: Ability,
): backend is Backend & Required<Pick<Backend, Ability>> {
  if (backend[ability] !== undefined) return true;
  const reason = backend.lacks[ability];
  assert.ok(reason, `the backend lacks "${ability}" and gives no reason`);
  t.skip(`${ability}: ${reason}`);
  return false;
}

/** Whether the provider has these settings and actions; the case is skipped where it has not. */
export function knows(
  t: TestContext,
  provider: Provider,
  { settings = [], actions = [] }: { settings?: string[]; actions?: string[] },
): boolean {
  const lacking = [
    ...settings
      .filter((key) => provider.settings[key] === undefined)
      .map((key) => `setting ${key}`),
    ...actions
      .filter((name) => provider.actions[name] === undefined)
      .map((name) => `action ${name}`),
  ];
  if (lacking.length > 0) t.skip(`${provider.name} has no ${lacking.join(' and no ')}`);
  return lacking.length === 0;
}

function createCloud(
  place: Place,
  backend: Backend,
  provider: Provider,
  answers: string[],
  id: number,
): Cloud {
  let vm = newVm(id, backend.chosen);
  const run = async (action: string, options: Options, custom?: Custom): Promise<Done> => {
    const { caller, state, deploying, host = {}, from, timeoutSeconds } = options;
    const base = from ?? backend.details();
    const payload = payloadFor(custom === undefined ? action : 'custom', {
      vm,
      host: {
        ...base,
        extension: { provider: provider.name, installation, ...base.extension },
        host: { ...base.host, ...host },
      },
      caller: caller === 'unnamed' ? undefined : (caller ?? usualCaller(action)),
      ...(state === undefined ? {} : { state }),
      ...(deploying === undefined ? {} : { deploying }),
      ...(custom === undefined ? {} : { custom }),
    });
    const done = await place.call(action, payload, {
      registry: backend.registry,
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    });
    answers.push(done.text);
    checkAnswer(done);
    if (custom !== undefined && done.exitCode === 0) {
      assert.deepEqual(displayDoubts(done.text), [], `${custom.name} is shown well: ${done.text}`);
      assert.equal(done.document['printmessage'], true, 'else nothing of it is shown');
    }
    return done;
  };
  const demand = async (action: string, done: Promise<Done>): Promise<Done> => {
    const { exitCode, text, document } = await done;
    assert.equal(exitCode, 0, `${action} has to succeed, but: ${text}`);
    return { exitCode, text, document };
  };
  const cloud: Cloud = {
    get vm() {
      return vm;
    },
    another: () => createCloud(place, backend, provider, answers, id + 1),
    change(more) {
      vm = { ...vm, ...more };
    },
    call: (action, options = {}) => run(action, options),
    custom: (name, parameters, options = {}) =>
      run(name, options, withParameters(name, parameters)),
    ok: (action, options = {}) => demand(action, run(action, options)),
    okCustom: (name, parameters, options = {}) =>
      demand(name, run(name, options, withParameters(name, parameters))),
    async deploy(options = {}) {
      if (provider.prepares) vm = keep(vm, (await cloud.ok('prepare', options)).document);
      await cloud.ok('create', options);
    },
    async machine() {
      const own = (await backend.machines()).filter(({ mark }) => mark.includes(vm.uuid));
      assert.equal(own.length, 1, `there are ${own.length} machines with the mark of ${vm.name}`);
      return own[0] as RemoteMachine;
    },
    allOutput: () => [...answers, logOf(place)].join('\n'),
  };
  return cloud;
}

function withParameters(name: string, parameters: Custom['parameters']): Custom {
  return parameters === undefined ? { name } : { name, parameters };
}

function usualCaller(action: string): Caller {
  return action === 'status' || action === 'statuses' ? system : alice;
}

function newVm(id: number, chosen: Details): Vm {
  const hex = id.toString(16).padStart(12, '0');
  const external = Object.entries(chosen).map(([key, value]) => [`External:${key}`, value]);
  return {
    id,
    uuid: `8f4e2a6c-0e57-4a8b-a8d5-${hex}`,
    name: `i-2-${id}-VM`,
    cpus: 2,
    memoryMb: 1024,
    nics: [
      {
        deviceId: 0,
        uuid: `0b6a2f0e-9a54-4d4e-8df2-${hex}`,
        mac: mac(id, 0),
        vlan: 1577,
        ip: '10.1.1.23',
      },
      { deviceId: 1, uuid: `0b6a2f0e-9a54-4d4e-8df3-${hex}`, mac: mac(id, 1), vlan: 'untagged' },
    ],
    details: Object.fromEntries(external),
  };
}

function mac(id: number, nic: number): string {
  return `02:01:00:cd:${id.toString(16).padStart(2, '0')}:0${nic}`;
}

/** The parts of a prepare answer that CloudStack keeps: details as they come, NICs by their nicUuid. */
function keep(vm: Vm, document: Readonly<Record<string, unknown>>): Vm {
  const { details = {}, nics = [] } = document as { details?: Details; nics?: readonly Details[] };
  return {
    ...vm,
    details: { ...vm.details, ...details },
    nics: vm.nics.map((nic) => {
      const answered = nics.find(({ nicUuid }) => nicUuid === nic.uuid);
      return answered?.['mac'] === undefined ? nic : { ...nic, mac: answered['mac'] };
    }),
  };
}

/** Checks the promises that hold for the answer to every action. */
function checkAnswer({ text, document, exitCode }: Done): void {
  assert.equal(formFault(text), undefined);
  assert.doesNotMatch(text, /Internal error:|something went wrong/, 'a mistake of ours');
  assert.equal(document['status'], exitCode === 0 ? 'success' : 'error');
}

function logOf({ logFile }: Place): string {
  const found = statSync(logFile, { throwIfNoEntry: false });
  return found === undefined ? '' : readFileSync(logFile, 'utf8');
}
