/** The remote system of a page, played by a fake. */
export interface System {
  /** The value in place of each word that a page prints; each has to stand on the page. */
  readonly values: Readonly<Record<string, string>>;
  /** Files that an operator saves on the management server, by their names. */
  readonly files: Readonly<Record<string, string>>;
  /** The machines that the system runs now. */
  running(): number;
  close(): Promise<void>;
}

/** Starts the system as the commands of the page, which are for it, leave it. */
export type StartSystem = (commands: readonly string[]) => Promise<System>;
