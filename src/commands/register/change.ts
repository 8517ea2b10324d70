import type { Parameters } from '../api/flatten.ts';

/** Something that has an id: `extension`, `cluster:NAME`, `zone:NAME`, `pod:NAME`, `ostype:NAME`. */
export type Reference = string;

/** Finds the id of something that exists, or that an earlier change has made. */
export type IdOf = (reference: Reference) => string;

/** One thing that is to be different, in words that hold no secret. */
export interface Difference {
  readonly what: string;
  readonly from?: string;
  readonly to?: string;
}

/** One call that brings CloudStack nearer to what is wanted. */
export interface Change {
  readonly verb: 'create' | 'update' | 'delete';
  readonly subject: string;
  readonly differences: readonly Difference[];
  readonly command: string;
  parameters(idOf: IdOf): Parameters;
  /** What the answer's id is known by afterwards. */
  readonly makes?: Reference;
}

/** What has to be done, and what an operator should know besides. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly remarks: readonly string[];
}

/** Several plans as one, in their order. */
export function joined(plans: readonly Plan[]): Plan {
  return {
    changes: plans.flatMap(({ changes }) => changes),
    remarks: plans.flatMap(({ remarks }) => remarks),
  };
}
