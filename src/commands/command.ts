import type { Registry } from '../contract/provider.ts';

/** All that a command may touch outside of itself; injected, so that tests see all of it. */
export interface CommandWorld {
  /** Writes a line to standard output. */
  out(line: string): void;
  /** Writes a line to standard error. */
  err(line: string): void;
  /** Standard output is a terminal: colours and progress are welcome. */
  readonly terminal: boolean;
  readonly registry: Registry;
  /** Absolute path of this very file, as it was started. */
  readonly self: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Option {
  readonly type: 'boolean' | 'string';
  readonly about: string;
  /** The word for the value in the help, such as FILE. */
  readonly value?: string;
  /** May be given more than once; the values are collected. */
  readonly multiple?: boolean;
}

export interface CommandCall {
  readonly positionals: readonly string[];
  /** Whether a boolean option was given. */
  flag(name: string): boolean;
  /** The value of an option that may be given once. */
  text(name: string): string | undefined;
  /** Every value of an option, in order. */
  texts(name: string): readonly string[];
  /** One JSON document on standard output is wanted instead of something to read. */
  readonly json: boolean;
  readonly world: CommandWorld;
  /** All commands, for those that speak about others. */
  readonly commands: Commands;
}

/** A word an operator types. `--help` and `--json` are everybody's and handled for it. */
export interface Command {
  /** The positional arguments as the help shows them, such as `<provider>`. */
  readonly usage: string;
  readonly options: Readonly<Record<string, Option>>;
  /** How many positionals it takes. */
  readonly positionals: { readonly min: number; readonly max: number };
  /** The meaning of each exit code. */
  readonly exitCodes: Readonly<Record<number, string>>;
  /** Examples and anything else worth saying. */
  readonly more?: string;
  /** Ends with the exit code; a thrown Failure is printed for it. */
  run(call: CommandCall): Promise<number>;
}

/** A line of the list of commands, and how to get at the command itself. */
export interface CommandEntry {
  /** One line for the list; starts with a verb, no full stop. */
  readonly about: string;
  load(): Promise<Command>;
}

export type Commands = Readonly<Record<string, CommandEntry>>;
