import * as v from 'valibot';
import { count, flag, line, machineId, markText, state } from './values.ts';

/** A machine as a driver answers it. An unknown member is an issue: it is a typing mistake. */
export function machine() {
  return v.strictObject({
    id: machineId(),
    name: v.pipe(
      v.nullable(line(255, 'Its name')),
      v.description('null only where your system hides it'),
    ),
    mark: v.optional(
      v.pipe(
        v.nullable(markText()),
        v.description(
          'The text of the last write-mark or make; null without one. Left out with "marks": "name"',
        ),
      ),
    ),
    state: state(),
    cpus: v.optional(count(100_000, 'CPUs')),
    memoryBytes: v.optional(count(Number.MAX_SAFE_INTEGER, 'Memory in bytes')),
    nics: v.optional(v.pipe(v.array(reportedNic()), v.maxLength(64))),
    template: v.optional(flag('It is a template that instances are made from')),
    guard: v.optional(
      line(200, 'Why your system refuses to remove it, such as "is protected against removal"'),
    ),
    leaving: v.optional(flag('Your system has accepted its removal, which is under way')),
    stuck: v.optional(flag('The removal has failed half-way: its guest may still run')),
    disowned: v.optional(
      line(
        200,
        "Why your system's record of owners speaks against the mark; such a machine is left alone",
      ),
    ),
    node: v.optional(line(63, 'The node that it is on')),
    home: v.optional(line(63, 'The node that it was made on')),
    remarks: v.optional(v.pipe(v.array(line(300, 'A remark for the operator')), v.maxLength(20))),
  });
}

export type Said = v.InferOutput<ReturnType<typeof machine>>;

function reportedNic() {
  return v.strictObject({
    mac: v.pipe(
      v.string(),
      v.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'must be a MAC address with colons'),
      v.description('MAC address'),
    ),
    vlan: v.optional(
      v.pipe(
        v.union([count(4094, 'Number of the VLAN'), v.literal('untagged')]),
        v.description('Where it is connected, if your system can tell'),
      ),
    ),
  });
}

/** The machine in a request: as it was read moments ago. */
export function givenMachine() {
  return v.strictObject({
    id: machineId(),
    name: v.nullable(v.string()),
    mark: v.nullable(markText()),
    state: state(),
  });
}
