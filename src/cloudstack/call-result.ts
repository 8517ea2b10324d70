import type { Outcome } from '../contract/action.ts';
import type { Console, Preparation } from '../contract/driver.ts';
import type { Power } from '../contract/machine.ts';

/** The document without its `status`. */
export type Body = Readonly<Record<string, unknown>>;

/** A finished call: the text to print and the code to exit with. */
export interface CallResult {
  readonly exitCode: 0 | 1;
  /** One JSON document in ASCII, at most 60,000 bytes, its line break included. */
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

/** CloudStack's UI shows arrays of alike objects and single objects, never a plain sentence. */
export function outcomeBody({ message: sentence, rows = [] }: Outcome): Body {
  if (rows.length === 0) return { printmessage: true, message: { result: sentence } };
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  // The UI takes the first row's keys as columns and the cells by their position.
  const alike = rows.map((row) =>
    Object.fromEntries(columns.map((column) => [column, row[column] ?? ''])),
  );
  return { printmessage: true, message: alike };
}

/** The result of a failure; a text that is too long is cut, with a note. */
export function fail(error: string, ref: string): CallResult {
  const text = encode({ status: 'error', error, ref });
  if (text.length <= mostBytes) return { exitCode: 1, text };
  const cut = fit(error, (part) => encode({ status: 'error', error: part, ref }));
  return { exitCode: 1, text: cut };
}

function fit(error: string, write: (part: string) => string): string {
  const note = ' ... (shortened)';
  let keep = Math.min(error.length, mostBytes);
  // An escape makes up to six bytes of a character, so a few rounds are enough.
  for (;;) {
    const text = write(error.slice(0, keep) + note);
    if (text.length <= mostBytes) return text;
    keep = Math.floor(keep / 2);
  }
}

/** ASCII only: CloudStack decodes with the default character set of its JVM. */
export function encode(document: Body): string {
  const ascii = JSON.stringify(document).replace(
    /[\u007f-\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${ascii}\n`;
}
