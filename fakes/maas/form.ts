/** A request as the handlers see it; lists keep the order of their repetitions. */
export interface Parameters {
  one(key: string): string | undefined;
  all(key: string): readonly string[];
  keys(): readonly string[];
}

export function readQuery(search: string): Parameters {
  return parametersOf([...new URLSearchParams(search)]);
}

/** Only forms are read; anything else is as good as nothing, as with Django's request.POST. */
export function readForm(type: string | undefined, body: string): Parameters {
  if (type?.startsWith('application/x-www-form-urlencoded') === true) return readQuery(body);
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)/.exec(type ?? '')?.[1];
  if (boundary === undefined) return parametersOf([]);
  const pairs = body.split(`--${boundary}`).flatMap((part): [string, string][] => {
    const match = /name="([^"]*)"[\s\S]*?\r\n\r\n([\s\S]*)\r\n$/.exec(part);
    return match === null ? [] : [[match[1] as string, match[2] as string]];
  });
  return parametersOf(pairs);
}

function parametersOf(pairs: readonly (readonly [string, string])[]): Parameters {
  const all = (key: string): string[] =>
    pairs.filter(([name]) => name === key).map(([, value]) => value);
  return {
    all,
    one: (key) => all(key)[0],
    keys: () => [...new Set(pairs.map(([name]) => name))],
  };
}
