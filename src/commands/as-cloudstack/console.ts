import { asText, type Json, parseGson } from './gson.ts';

/** What CloudStack takes from a getconsole answer. */
export interface ConsoleTarget {
  readonly host?: string;
  readonly port?: number;
  readonly password?: string;
  readonly oneTime: boolean;
  readonly protocol?: string;
  readonly url?: string;
}

/** The target, or CloudStack's own words for what is wrong. */
export function readConsole(text: string): ConsoleTarget | string {
  const json = parseGson(text);
  if (json?.kind !== 'object') return 'Failed to parse output';
  const console = json.members.get('console');
  if (console === undefined) return 'Missing console object in output';
  if (console.kind !== 'object') return 'Failed to parse output';
  const members = [...console.members].filter(([key]) => fields.includes(key));
  const given = new Map(members.map(([key, value]) => [key, asText(value)]));
  if ([...given.values()].includes(undefined)) return 'Failed to parse output';
  const port = given.get('port');
  if (port !== undefined && !/^[+-]?\d{1,10}$/.test(port)) return 'Failed to parse output';
  const complete = given.has('url') || (given.has('host') && given.has('port'));
  return complete ? target(given, console.members) : 'Missing required fields in output';
}

/** What would come of it on the user's screen; `trouble` where it cannot work. */
export function consoleOutcome(found: ConsoleTarget): {
  readonly shown: string;
  readonly trouble?: string;
} {
  if (found.protocol?.toLowerCase() === 'direct') {
    if (found.url !== undefined)
      return { shown: `The API hands out ${found.url}, nothing is proxied` };
    return { shown: 'A console endpoint without a URL', trouble: 'protocol "direct" needs a url' };
  }
  if (found.host === undefined || found.port === undefined) {
    return {
      shown: 'The console proxy gets no host and port 0: the console stays empty',
      trouble: 'a url is only used with protocol "direct"',
    };
  }
  const shared = found.oneTime ? 'a viewer for each session' : 'one shared viewer';
  return { shown: `The console proxy connects by VNC to ${found.host}:${found.port}, ${shared}` };
}

const fields = ['host', 'port', 'password', 'passwordonetimeuseonly', 'protocol', 'url'];

function target(
  given: ReadonlyMap<string, string | undefined>,
  members: ReadonlyMap<string, Json>,
): ConsoleTarget {
  const text = (key: string): string | undefined => given.get(key);
  const password = text('password')?.trim() === '' ? undefined : text('password');
  const port = text('port');
  const once = asText(members.get('passwordonetimeuseonly'))?.toLowerCase() === 'true';
  return {
    ...(text('host') === undefined ? {} : { host: text('host') ?? '' }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(password === undefined ? {} : { password }),
    oneTime: once && password !== undefined,
    ...(text('protocol') === undefined ? {} : { protocol: text('protocol') ?? '' }),
    ...(text('url') === undefined ? {} : { url: text('url') ?? '' }),
  };
}
