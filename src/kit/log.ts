import type { Log } from '../contract/context.ts';
export type Level = 'debug' | 'info' | 'warn' | 'error';

export const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** For what has nowhere to log to. */
export const silent: Log = () => {};
