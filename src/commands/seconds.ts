import { Failure } from '../failure.ts';

/** A whole number of seconds as an option gives it; throws `usage`. */
export function readSeconds(option: string, text: string): number {
  const seconds = Number(text);
  if (/^\d{1,7}$/.test(text) && seconds > 0 && seconds <= 2_147_483) return seconds;
  throw new Failure(
    'usage',
    `${option} must be a whole number of seconds from 1 to 2147483, not "${text}"`,
  );
}
