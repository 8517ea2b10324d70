import * as v from 'valibot';
import { description } from './description.ts';
import { instance } from './instance.ts';
import { givenMachine, machine } from './machine.ts';
import { flag, line, machineId, markText, state } from './values.ts';

/** One primitive: what it is for, and the members of its request and of its answer. */
export interface Primitive<
  Q extends v.ObjectEntries = v.ObjectEntries,
  A extends v.ObjectEntries = v.ObjectEntries,
> {
  readonly about: string;
  /** Looks only; every other primitive may change something. */
  readonly reads?: boolean;
  request(): Q;
  answer(): A;
}

function primitive<Q extends v.ObjectEntries, A extends v.ObjectEntries>(
  given: Primitive<Q, A>,
): Primitive<Q, A> {
  return given;
}

const nothing = () => ({});
const onMachine = () => ({ machine: givenMachine(), instance: instance() });
const machines = () => ({ machines: v.pipe(v.array(machine()), v.maxLength(20_000)) });
const blueprint = () => v.record(v.string(), v.unknown());
const aboutSnapshot = () => ({ ...onMachine(), snapshot: snapshot() });

/** Every primitive by its word on the command line. */
export const primitives = {
  describe: primitive({
    about: 'Says who you are; asked again only when the file changes. Gets no settings',
    reads: true,
    request: nothing,
    answer: description,
  }),
  list: primitive({
    about:
      'All machines that may be an instance, made by CloudStack or not; fails where the account may not see all',
    reads: true,
    request: () => ({ detail: v.picklist(['own', 'report', 'inventory']) }),
    answer: () => ({
      ...machines(),
      complete: v.pipe(v.literal(true), v.description('You promise that these are all')),
    }),
  }),
  get: primitive({
    about: 'The machine of this id as it is now; kind missing only where there certainly is none',
    reads: true,
    request: () => ({ id: machineId() }),
    answer: () => ({ machine: machine() }),
  }),
  find: primitive({
    about:
      'The machines that carry the mark of this instance, where asking for them is cheaper than list',
    reads: true,
    request: () => ({ instance: instance() }),
    answer: machines,
  }),
  state: primitive({
    about: 'The state of a machine, where list cannot tell it for certain',
    reads: true,
    request: () => ({
      machine: givenMachine(),
      purpose: v.picklist(['start', 'stop', 'use', 'report']),
    }),
    answer: () => ({ state: state() }),
  }),
  make: primitive({
    about: 'Makes a machine, switched off, with this name and this mark from the first moment on',
    request: () => ({
      instance: instance(),
      blueprint: blueprint(),
      name: v.string(),
      mark: markText(),
    }),
    answer: () => ({ id: machineId() }),
  }),
  'power-on': primitive({
    about: 'Brings CPUs, memory and NICs to what the instance says, then switches the machine on',
    request: () => ({ ...onMachine(), blueprint: blueprint() }),
    answer: nothing,
  }),
  'cut-power': primitive({
    about: 'Switches the machine off at once',
    request: onMachine,
    answer: nothing,
  }),
  destroy: primitive({
    about:
      'Removes the machine, running or not, and everything that was made for it; success where it is gone',
    request: onMachine,
    answer: nothing,
  }),
  'write-mark': primitive({
    about:
      'Keeps this text as the mark, or none for null, unless the mark is no longer the expected one',
    request: () => ({
      ...onMachine(),
      mark: v.nullable(markText()),
      expected: v.nullable(markText()),
    }),
    answer: () => ({
      lost: v.optional(flag('The mark was not the expected one, and nothing was written')),
    }),
  }),
  'shut-down': primitive({
    about:
      'Asks the guest to shut down; you need not wait, since the state is looked at afterwards',
    request: () => ({ ...onMachine(), waitMs: v.number() }),
    answer: nothing,
  }),
  restart: primitive({ about: 'Restarts the guest', request: onMachine, answer: nothing }),
  resume: primitive({
    about: 'Lets a machine go on that is paused or saved',
    request: onMachine,
    answer: nothing,
  }),
  'has-hardware': primitive({
    about:
      'Whether CPUs, memory and NICs are what the instance says; without it the reported ones are compared',
    reads: true,
    request: onMachine,
    answer: () => ({ same: v.boolean() }),
  }),
  'set-hardware': primitive({
    about: 'Brings CPUs, memory and NICs of a machine that is off to what the instance says',
    request: onMachine,
    answer: nothing,
  }),
  console: primitive({
    about: 'Where the screen of the machine is to be seen: a url, or host and port of VNC',
    reads: true,
    request: onMachine,
    answer: () => ({
      url: v.optional(line(1000, 'Address for the browser')),
      host: v.optional(line(255, 'Host of VNC')),
      port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
      password: v.optional(v.string()),
    }),
  }),
  'list-snapshots': primitive({
    about: 'The snapshots of the machine',
    reads: true,
    request: onMachine,
    answer: () => ({ snapshots: v.pipe(v.array(snapshot()), v.maxLength(1000)) }),
  }),
  'take-snapshot': primitive({ about: 'Saves the disks', request: aboutSnapshot, answer: nothing }),
  'remove-snapshot': primitive({
    about: 'Removes a snapshot; success where it is gone',
    request: aboutSnapshot,
    answer: nothing,
  }),
  'restore-snapshot': primitive({
    about:
      'Puts the disks back; may switch the machine off; CPUs, memory, NICs and mark stay as they are',
    request: aboutSnapshot,
    answer: nothing,
  }),
  'run-action': primitive({
    about: 'Runs one of your custom actions',
    request: () => ({
      action: v.string(),
      parameters: v.record(v.string(), v.unknown()),
      machine: v.nullable(givenMachine()),
      instance: instance(),
      blueprint: v.optional(blueprint()),
    }),
    answer: () => ({
      message: line(2000, 'The answer in a sentence'),
      rows: v.optional(v.pipe(v.array(cells()), v.maxLength(1000))),
      facts: v.optional(cells()),
    }),
  }),
  check: primitive({
    about:
      'Findings for `outrigger doctor`; changes nothing and works even when your system does not answer',
    reads: true,
    request: () => ({ blueprint: blueprint() }),
    answer: () => ({
      checks: v.pipe(
        v.array(
          v.strictObject({
            name: line(60, 'What was looked at'),
            state: v.picklist(['ok', 'warn', 'fail', 'skipped']),
            found: line(500, 'What was found'),
            advice: v.optional(line(500, 'What to do')),
          }),
        ),
        v.maxLength(100),
      ),
    }),
  }),
};

export type PrimitiveName = keyof typeof primitives;

type Members<E extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<E, undefined>>;

export type AnswerTo<Name extends PrimitiveName> = Members<
  ReturnType<(typeof primitives)[Name]['answer']>
>;
export type RequestOf<Name extends PrimitiveName> = Members<
  ReturnType<(typeof primitives)[Name]['request']>
>;

function snapshot() {
  return v.strictObject({
    name: line(100, 'Its name'),
    id: v.optional(line(200, 'The id of your system, where a name is not one')),
    created: v.optional(
      v.pipe(v.string(), v.isoTimestamp(), v.description('Such as 2026-01-31T12:00:00Z')),
    ),
    description: v.optional(line(500, 'Words of the caller')),
    memory: v.optional(v.boolean()),
  });
}

function cells() {
  return v.record(v.string(), v.union([line(2000, 'A value'), v.number(), v.boolean(), v.null()]));
}
