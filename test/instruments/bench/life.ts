import type { Backend } from '../../conformance/backend.ts';
import { admin, type Details, payloadFor, system, type Vm } from '../../support/payloads.ts';
import { installation, keep, newInstance } from './instance.ts';
import type { Bar, Step } from './stage.ts';

type Answer = Readonly<Record<string, unknown>>;

/** A custom action with its parameters; `answers` are the latest, by the name of the action. */
export type Call = readonly [
  name: string,
  parameters?: (vm: Vm, answers: ReadonlyMap<string, Answer>) => Readonly<Record<string, unknown>>,
];

/** What an action wants that throws data away. */
export const repeated = ({ name }: Vm): { readonly confirm: string } => ({
  confirm: name,
});

export interface Life {
  /** The instances of this life are counted from here. */
  readonly firstId: number;
  /** Further details of the host. */
  readonly host?: Details;
  /** What is done to the running instance besides, in this order. */
  readonly calls?: readonly Call[];
  /** By the name of the step; what is under `*` holds for all of them. */
  readonly bars?: Readonly<Record<string, Bar>>;
  /** Only these of CloudStack's own actions. */
  readonly only?: readonly string[];
  /** Lets the remote system come to rest before the reports, which are asked all day long. */
  rest?(): void;
}

const before = ['prepare', 'create', 'status', 'statuses', 'getconsole'];
const after = ['stop', 'start', 'reboot', 'delete'];

/** The status of an instance is what is asked most often by far. */
const often = 6;

/** From prepare to delete: everything CloudStack asks of one instance, a new one in each round. */
export function livesOf(backend: Backend, life: Life): readonly Step[] {
  const { firstId, calls = [], bars = {}, only, rest } = life;
  const answers = new Map<string, Answer>();
  let id = firstId;
  let vm = newInstance(id, backend.chosen);
  const own = (action: string): Step => ({
    ...named(action, bars),
    ...(action === 'status' ? { times: often } : {}),
    payload() {
      if (action === 'prepare') vm = newInstance(id++, backend.chosen);
      if (action.startsWith('status')) rest?.();
      return payloadFor(action, { ...given(backend, life, vm), caller: system });
    },
    learn(document) {
      if (action === 'prepare') vm = keep(vm, document);
    },
  });
  const custom = ([name, parameters]: Call): Step => ({
    ...named(name, bars),
    payload: () =>
      payloadFor('custom', {
        ...given(backend, life, vm),
        custom: { name, parameters: parameters?.(vm, answers) ?? {} },
      }),
    learn: (document) => void answers.set(name, document),
  });
  const wanted = (action: string): boolean => only?.includes(action) ?? true;
  return [
    ...before.filter(wanted).map(own),
    ...calls.map(custom),
    ...after.filter(wanted).map(own),
  ];
}

/** One listing of everything that stands there. */
export function listingOf(backend: Backend, name: string, more: Partial<Step> = {}): Step {
  return {
    name,
    action: 'statuses',
    payload: () => payloadFor('statuses', given(backend, { firstId: 1 }, newInstance(1, {}))),
    ...more,
  };
}

function named(action: string, bars: Readonly<Record<string, Bar>>): Omit<Step, 'payload'> {
  const bar = { ...bars['*'], ...bars[action] };
  return { name: action, action, ...(Object.keys(bar).length === 0 ? {} : { bar }) };
}

function given(backend: Backend, { host = {} }: Life, vm: Vm) {
  const details = backend.details();
  const extension = { provider: backend.provider, installation, ...details.extension };
  return {
    vm,
    caller: admin,
    host: { ...details, extension, host: { ...details.host, ...host } },
  };
}
