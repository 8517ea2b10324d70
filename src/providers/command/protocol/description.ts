import * as v from 'valibot';
import { count, flag, line } from './values.ts';

/** The primitives that a driver may leave out; it names those that it has. */
export const capabilities = [
  'find',
  'state',
  'shut-down',
  'restart',
  'resume',
  'has-hardware',
  'set-hardware',
  'console',
  'snapshots',
  'check',
] as const;

export type Capability = (typeof capabilities)[number];

const key = () =>
  v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,62}$/, 'must be small letters, digits and _ only'));

/** The answer of `describe`, apart from the version. */
export function description() {
  return {
    name: line(60, 'What the operator calls your system, such as LXC'),
    about: line(200, 'One sentence about it, without a full stop'),
    marks: v.pipe(
      v.picklist(['label', 'name']),
      v.description(
        'label: your system keeps a text of up to 600 characters beside a machine; name: it keeps none, and the mark becomes the name of the machine',
      ),
    ),
    ids: v.pipe(
      v.picklist(['name', 'system']),
      v.description(
        'name: the name in the request of make is the id, and your system refuses a second machine of that name; system: your system chooses the id',
      ),
    ),
    hardware: v.optional(
      v.pipe(
        v.picklist(['reported', 'fixed']),
        v.description(
          'reported: machines carry cpus, memoryBytes and nics; fixed: a machine is what it is, such as bare metal',
        ),
      ),
    ),
    capabilities: v.optional(v.array(v.picklist(capabilities))),
    settings: v.optional(v.record(key(), field())),
    blueprint: v.optional(v.record(key(), blueprintField())),
    actions: v.optional(v.record(actionName(), action())),
  };
}

const fieldMembers = () => ({
  about: line(300, 'One sentence; starts with a capital, no full stop'),
  type: v.optional(
    v.pipe(
      v.picklist(['text', 'long-text', 'number', 'boolean', 'list']),
      v.description('text where left out; list is comma-separated'),
    ),
  ),
  required: v.optional(v.boolean()),
  default: v.optional(line(255, 'As an operator would write it')),
  example: v.optional(line(255, 'As an operator would write it')),
  unit: v.optional(line(20, 'Such as GiB')),
  secret: v.optional(flag('Masked everywhere; may be given as a file in the secrets directory')),
  allowed: v.optional(
    v.pipe(
      v.array(line(100, 'A value')),
      v.minLength(1),
      v.maxLength(100),
      v.description('The only values'),
    ),
  ),
  pattern: v.optional(line(200, 'A regular expression for the whole text, with wants beside it')),
  wants: v.optional(line(200, 'The pattern in words: completes "must be ..."')),
  min: v.optional(v.pipe(v.number(), v.description('Of a number'))),
  max: v.optional(
    v.pipe(v.number(), v.description('Of a number; of a text or list: how long it may be')),
  ),
});

function field() {
  return v.strictObject(fieldMembers());
}

function blueprintField() {
  return v.strictObject({
    ...fieldMembers(),
    within: v.optional(
      v.pipe(
        v.string(),
        v.description(
          'The setting that limits an instance: a list of patterns, or the largest number',
        ),
      ),
    ),
  });
}

function actionName() {
  return v.pipe(
    v.string(),
    v.regex(/^[A-Z][A-Za-z0-9]{1,39}$/, 'must be a word that starts with a capital'),
  );
}

function action() {
  return v.strictObject({
    about: line(250, 'One sentence; starts with a capital, no full stop'),
    succeeded: v.optional(line(255, 'Shown after success')),
    failed: v.optional(line(255, 'Shown after failure: its rules and the usual reasons')),
    effect: v.optional(v.picklist(['shows', 'changes', 'interrupts', 'discards'])),
    wants: v.optional(
      v.pipe(
        v.picklist(['none', 'shown', 'built', 'running']),
        v.description('The machine that it gets; built where left out'),
      ),
    ),
    roles: v.optional(
      v.pipe(v.picklist(['everyone', 'admin']), v.description('admin where left out')),
    ),
    timeoutSeconds: v.optional(count(3600, 'How long it may take; 60 where left out')),
    usesBlueprint: v.optional(flag('Gets the blueprint, checked as for make')),
    destroysData: v.optional(flag('Throws data away: the caller has to repeat the instance ID')),
    parameters: v.optional(v.record(key(), field())),
  });
}

export type Description = v.InferOutput<
  v.StrictObjectSchema<ReturnType<typeof description>, undefined>
>;
export type SaidField = v.InferOutput<ReturnType<typeof field>>;
export type SaidBlueprintField = v.InferOutput<ReturnType<typeof blueprintField>>;
export type SaidAction = v.InferOutput<ReturnType<typeof action>>;
