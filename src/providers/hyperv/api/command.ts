import * as v from 'valibot';

/**
 * One command that a Hyper-V host can be given: a constant script, what is given to it, and what its
 * answer looks like. Decisions are made in TypeScript; the scripts only look and do.
 */
export interface Command<Given, Value> {
  readonly name: string;
  readonly script: string;
  /** For texts: "... while listing the machines". */
  readonly doing: string;
  readonly schema: () => v.GenericSchema<unknown, Value>;
  /** Done twice it is something else than done once, so that it is never given again. */
  readonly once: boolean;
  /** Only for the type. */
  readonly given?: Given | undefined;
}

type Words = Pick<Command<unknown, unknown>, 'name' | 'doing'>;

export function command<Given extends object>() {
  return <Value>(
    words: Words,
    script: string,
    schema: () => v.GenericSchema<unknown, Value>,
  ): Command<Given, Value> => ({ ...words, script: script.trim(), schema, once: false });
}

/** A command that must not be given twice. */
export function once<Given extends object>() {
  return <Value>(
    words: Words,
    script: string,
    schema: () => v.GenericSchema<unknown, Value>,
  ): Command<Given, Value> => ({ ...command<Given>()(words, script, schema), once: true });
}

export type Json = Readonly<Record<string, unknown>>;

/** The answer of a script that has nothing to tell but that it came to its end. */
export const anything = (): v.GenericSchema<unknown, Json> => v.record(v.string(), v.unknown());

/** A machine that has to carry the instance's mark when the change is made. */
export interface Own {
  readonly id: string;
  /** A part of the notes that only its own machine has. */
  readonly proof: string;
}

/** The adapter that is wanted; an empty id adds one, VLAN 0 is untagged. */
export interface WantedAdapter {
  readonly id: string;
  readonly name: string;
  /** Twelve digits without separators. */
  readonly mac: string;
  readonly switch: string;
  readonly vlan: number;
}

export type PowerCommand = 'start' | 'cut' | 'reset' | 'pause' | 'resume' | 'forget' | 'ask';
