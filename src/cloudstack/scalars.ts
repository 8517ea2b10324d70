import * as v from 'valibot';

/** Text, or a number or truth value written as one; CloudStack's versions differ in this. */
export function scalar(): v.GenericSchema<unknown, string> {
  return v.pipe(
    v.union([v.string(), v.number(), v.boolean()], 'must be a text'),
    v.transform(String),
  );
}

/** In small letters, however it was written. */
export function uuid() {
  return v.pipe(
    scalar(),
    v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a UUID'),
    v.toLowerCase(),
  );
}

/** 3, 3.0 and "3" are the same number to CloudStack's versions. */
export function number(least: number, most: number) {
  return v.pipe(
    scalar(),
    v.regex(/^ *\d{1,16}(\.0+)? *$/, `must be a whole number from ${least} to ${most}`),
    v.transform(Number),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
}
