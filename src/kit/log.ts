export type Level = 'debug' | 'info' | 'warn' | 'error';

export const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** Writes one event with its facts; `level` among them is the line's level, `info` without. */
export type Log = (event: string, facts?: Readonly<Record<string, unknown>>) => void;

/** For what has nowhere to log to. */
export const silent: Log = () => {};
