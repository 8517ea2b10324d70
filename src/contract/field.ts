import type { GenericSchema, InferOutput } from 'valibot';

/**
 * One detail or parameter: a sentence about it and a schema from its text to its value.
 *
 * The schema is built when it is first needed, since every call pays for what it builds.
 */
export interface Field<Value = unknown> {
  /** One sentence for the reference; starts with a capital, no full stop. */
  readonly about: string;
  readonly schema: () => GenericSchema<string, Value>;
  readonly required?: boolean;
  /** As an operator would write it; goes through the schema like any other text. */
  readonly default?: string;
  readonly unit?: string;
  readonly example?: string;
  /** Masked wherever it shows up; may be given as `<key>_file`, a file in the secrets directory. */
  readonly secret?: boolean;
  /** The text names a file in the secrets directory; the schema gets that file's content. */
  readonly file?: boolean;
  /** Other words that mean the same detail, as existing hosts and templates use them. */
  readonly also?: readonly string[];
  /**
   * Blueprint only: the setting that limits what an instance may choose: patterns that the text has to
   * match, the largest number, or the greatest length of a text.
   */
  readonly within?: string;
}

export type Fields = Readonly<Record<string, Field>>;

/** The values of a record of fields: `undefined` only where nothing fills the gap. */
export type Values<F extends Fields> = {
  readonly [Key in keyof F]: F[Key] extends { required: true } | { default: string }
    ? FieldValue<F[Key]>
    : FieldValue<F[Key]> | undefined;
};

type FieldValue<F extends Field> = InferOutput<ReturnType<F['schema']>>;
