import type { Console, Preparation } from '../contract/driver.ts';
import type { Power } from '../contract/machine.ts';

/** The document without its `status`. */
export type Body = Readonly<Record<string, unknown>>;

/** A finished call: the text to print and the code to exit with. */
export interface CallResult {
  readonly exitCode: 0 | 1;
  /** One JSON document in UTF-8, at most 60,000 bytes, its line break included. */
  readonly text: string;
}

/**
 * CloudStack reads only after this process has exited, so all output has to fit into the pipe's
 * 65,536 bytes; the rest is left for warnings that Node.js might print.
 */
export const mostBytes = 60_000;

const powerWords: Readonly<Record<Power, string>> = {
  on: 'PowerOn',
  off: 'PowerOff',
  unknown: 'PowerUnknown',
};

export function message(text: string): Body {
  return { message: text };
}

export function powerBody(power: Power): Body {
  return { power_state: powerWords[power] };
}

/** Never shortened: CloudStack takes an instance that is missing from it for stopped. */
export function powersBody(powers: ReadonlyMap<string, Power>): Body {
  // Built by hand, since a name such as __proto__ must be a key like any other.
  const entries = [...powers].map(([name, power]) => [name, powerWords[power]] as const);
  return { power_state: Object.fromEntries(entries) };
}

/** NICs are named by nicUuid, without `uuid`, which CloudStack takes for the network's. */
export function preparationBody({ details, nics }: Preparation): Body {
  return {
    ...(details === undefined ? {} : { details }),
    ...(nics === undefined
      ? {}
      : {
          nics: nics.map(({ uuid, mac, ipv4, ipv6 }) => ({
            nicUuid: uuid,
            ...(mac === undefined ? {} : { mac }),
            ...(ipv4 === undefined ? {} : { ip: ipv4 }),
            ...(ipv6 === undefined ? {} : { ip6address: ipv6 }),
          })),
        }),
  };
}

/** A password is left out rather than null, which CloudStack cannot parse. */
export function consoleBody(console: Console): Body {
  if (console.kind === 'direct') return { console: { protocol: 'direct', url: console.url } };
  const { host, port, password, oneTime } = console;
  return {
    console: {
      protocol: 'vnc',
      host,
      port,
      ...(password === undefined ? {} : { password, passwordonetimeuseonly: oneTime === true }),
    },
  };
}

/** The result of a failure; a text that is too long is cut, with a note. */
export function fail(error: string, ref: string | undefined): CallResult {
  const text = encode({ status: 'error', error, ref });
  if (bytesOf(text) <= mostBytes) return { exitCode: 1, text };
  const cut = fit(error, (part) => encode({ status: 'error', error: part, ref }));
  return { exitCode: 1, text: cut };
}

function fit(error: string, write: (part: string) => string): string {
  const note = ' ... (shortened)';
  let keep = Math.min(error.length, mostBytes);
  // A character has up to three bytes, so a few rounds are enough.
  for (;;) {
    const text = write(error.slice(0, keep) + note);
    if (bytesOf(text) <= mostBytes) return text;
    keep = Math.floor(keep / 2);
  }
}

export function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

/**
 * One line of JSON with letters as they are. CloudStack puts it as a text into its own JSON and then
 * un-escapes every `\uXXXX` of the finished answer, which is no JSON afterwards: for `cmk` and the web
 * interface the whole answer is lost, and not only the letter. Its database refuses texts with a
 * character of four bytes, such as an emoji, as a whole.
 */
export function encode(document: Body): string {
  // An escape is matched as a whole, so that a backslash that ends one never begins another.
  const signs = /\\(?:u[0-9a-f]{4}|[^u])|[\u007f-\u009f]|[\ud800-\udbff][\udc00-\udfff]/g;
  return `${JSON.stringify(document).replace(signs, readable)}\n`;
}

/** Writes an escape or a character of a JSON text as the API can carry it. */
function readable(sign: string, at: number, whole: string): string {
  if (sign === '\\\\') return /^u[0-9a-f]{4}/i.test(whole.slice(at + 2, at + 7)) ? '/' : sign;
  if (/^\\["nt]$/.test(sign)) return sign;
  // A whole character of four bytes, or the escape of a half one; all others are control characters.
  return /^(\\ud|[\ud800-\udbff])/.test(sign) ? '\ufffd' : ' ';
}
