import type { Log } from '../contract/context.ts';
export type Level = 'debug' | 'info' | 'warn' | 'error';

export const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** A log that drops every event. */
export const silent: Log = () => {};
