import type * as v from 'valibot';

/** One question that can be put to a Hyper-V host. */
export interface Step<Given, Value> {
  readonly name: string;
  readonly script: string;
  /** For texts: "... while listing the machines". */
  readonly doing: string;
  readonly schema: () => v.GenericSchema<unknown, Value>;
  /** Done twice it is something else than done once, so that it is never asked again. */
  readonly once: boolean;
  /** Only for the type. */
  readonly given?: Given | undefined;
}

export function step<Given extends object>() {
  return <Value>(
    name: string,
    script: string,
    doing: string,
    schema: () => v.GenericSchema<unknown, Value>,
  ): Step<Given, Value> => ({ name, script, doing, schema, once: false });
}

export function once<Given, Value>(each: Step<Given, Value>): Step<Given, Value> {
  return { ...each, once: true };
}

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

export type Order = 'start' | 'cut' | 'reset' | 'pause' | 'resume' | 'forget' | 'ask';
