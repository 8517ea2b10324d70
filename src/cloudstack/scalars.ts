import * as v from 'valibot';

/** A text, or a number or boolean as a text; CloudStack's versions send either. */
export function scalar(): v.GenericSchema<unknown, string> {
  return v.pipe(
    v.custom<string | number | boolean>(
      (given) => ['string', 'number', 'boolean'].includes(typeof given),
      'must be a text',
    ),
    v.transform(String),
  );
}

/** A UUID in lower case, from any case. */
export function uuid() {
  return v.pipe(
    scalar(),
    v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'must be a UUID'),
    v.toLowerCase(),
  );
}

/** A whole number; CloudStack's versions write 3 as 3, 3.0 or "3". */
export function number(least: number, most: number) {
  return v.pipe(
    scalar(),
    v.regex(/^ *\d{1,16}(\.0+)? *$/, `must be a whole number from ${least} to ${most}`),
    v.transform(Number),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
}
