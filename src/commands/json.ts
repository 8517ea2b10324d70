import { readFileSync } from 'node:fs';
import { Failure } from '../failure.ts';

/** A JSON object of which nothing else is known. */
export type Members = Readonly<Record<string, unknown>>;

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of a file that was named, or of a descriptor that stands for it; throws `usage`. */
export function readText(file: string, source: string | number = file): string {
  try {
    return readFileSync(source, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Failure('usage', `${file} cannot be read (${code})`);
  }
}

/** The value in the text of a file; throws `usage`. */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser would quote what may be a secret.
    throw new Failure('usage', `${file} is not JSON`);
  }
}

/** The value in a file of JSON; throws `usage`. */
export function readJson(file: string): unknown {
  return parseJson(file, readText(file));
}
