/** An answer that says no, with CloudStack's codes for it. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
  /** CloudStack's own number of the exception; `undefined` where the answer has none. */
  readonly cs?: number | undefined;
  /** The key of the answer, where it is not named after the command. */
  readonly envelope?: 'errorresponse';
}

export function isRefusal(thrown: unknown): thrown is Refusal {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'text' in thrown;
}

/** 431: a parameter is wrong. */
export function wrong(text: string): Refusal {
  return { code: 431, text, cs: 4350 };
}

/** 431, found before the command itself is run. */
export function unfit(text: string): Refusal {
  return { code: 431, text, cs: 9999 };
}

/** 431 for an id of nothing. */
export function noSuch(command: string, parameter: string, value: string | undefined): Refusal {
  return unfit(
    `Unable to execute API command ${command.toLowerCase()} due to invalid value. Invalid parameter ${parameter} value=${value} due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.`,
  );
}

/** 530: CloudStack's own runtime error, which it makes of most refusals. */
export function failed(text: string): Refusal {
  return { code: 530, text, cs: 4250 };
}

/** 530 for an error that CloudStack did not expect. */
export function broken(text: string): Refusal {
  return { code: 530, text, cs: 9999 };
}
