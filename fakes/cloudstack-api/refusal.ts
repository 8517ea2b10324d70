/** An answer that says no, with CloudStack's code for it. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

export function isRefusal(thrown: unknown): thrown is Refusal {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'text' in thrown;
}

/** 431: a parameter is wrong. */
export function wrong(text: string): Refusal {
  return { code: 431, text };
}

/** 530: CloudStack's own runtime error, which it makes of most refusals. */
export function failed(text: string): Refusal {
  return { code: 530, text };
}
