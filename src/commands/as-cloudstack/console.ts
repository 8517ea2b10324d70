import { parseGson } from './gson.ts';
import { asText } from './json.ts';

/** The members that CloudStack takes from a getconsole answer. */
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
  const { members } = console;
  const given = fields.filter((key) => members.has(key));
  const texts = given.map((key) => [key, asText(members.get(key))] as const);
  if (texts.some(([, value]) => value === undefined)) return 'Failed to parse output';
  return target(Object.fromEntries(texts) as Given);
}

/** The result on the user's screen; `problem` where the console cannot work. */
export function consoleOutcome(found: ConsoleTarget): {
  readonly shown: string;
  readonly problem?: string;
} {
  if (found.protocol?.toLowerCase() === 'direct') {
    if (found.url !== undefined)
      return { shown: `The API hands out ${found.url}, nothing is proxied` };
    return { shown: 'A console endpoint without a URL', problem: 'protocol "direct" needs a url' };
  }
  if (found.host === undefined || found.port === undefined) {
    return {
      shown: 'The console proxy gets no host and port 0: the console stays empty',
      problem: 'a url is only used with protocol "direct"',
    };
  }
  const shared = found.oneTime ? 'a viewer for each session' : 'one shared viewer';
  return { shown: `The console proxy connects by VNC to ${found.host}:${found.port}, ${shared}` };
}

const fields = ['host', 'port', 'password', 'passwordonetimeuseonly', 'protocol', 'url'] as const;

type Given = Readonly<Partial<Record<(typeof fields)[number], string>>>;

function target(given: Given): ConsoleTarget | string {
  const { host, port, password = '', passwordonetimeuseonly: once = '', ...rest } = given;
  if (port !== undefined && !/^[+-]?\d{1,10}$/.test(port)) return 'Failed to parse output';
  const complete = rest.url !== undefined || (host !== undefined && port !== undefined);
  if (!complete) return 'Missing required fields in output';
  const secret = password.trim() !== '';
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(secret ? { password } : {}),
    oneTime: secret && once.toLowerCase() === 'true',
    ...rest,
  };
}
