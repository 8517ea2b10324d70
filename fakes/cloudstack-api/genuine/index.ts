import commands from './commands.json' with { type: 'json' };
import entries from './entries.json' with { type: 'json' };

/** One object of each kind as a genuine 4.23 answers it; the fake shows its own over it. */
export const genuine = entries;

/** A parameter as listApis describes it. */
export interface Described {
  readonly type: string;
  /** The most characters of a text. */
  readonly length: number;
  readonly required: boolean;
  /** The release that it came with; empty for one that was always there. */
  readonly since: string;
}

export interface DescribedCommand {
  readonly isAsync: boolean;
  readonly since: string;
  readonly parameters: ReadonlyMap<string, Described>;
}

/** Every command that `genuine/commands.json` holds, by its name. */
export const described: ReadonlyMap<string, DescribedCommand> = new Map(
  Object.entries(commands).map(([head, parameters]) => {
    const [name = '', ...rest] = head.split(' ');
    const since = rest.find((word) => word.startsWith('@'))?.slice(1) ?? '';
    const words = parameters.split(' ').filter((word) => word !== '');
    return [
      name,
      { isAsync: rest.includes('async'), since, parameters: new Map(words.map(readParameter)) },
    ];
  }),
);

/** `name:type/length!@since`, all but the name left out where they are usual. */
function readParameter(word: string): readonly [string, Described] {
  const parts = /^([^:/!@]+)(?::([a-z]+))?(?:\/(\d+))?(!)?(?:@(.+))?$/.exec(word);
  if (parts === null) throw new Error(`"${word}" describes no parameter`);
  const [, name = '', type = 'string', length = '255', required, since = ''] = parts;
  return [name, { type, length: Number(length), required: required !== undefined, since }];
}

/** Whether the release has what came with `since`, such as `4.22.1`. */
export function hasCome(since: string, release: string): boolean {
  const [wanted, there] = [since, release].map((text) => text.match(/\d+/g)?.map(Number) ?? []);
  for (const [at, part] of (wanted ?? []).entries()) {
    const own = there?.[at] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}
