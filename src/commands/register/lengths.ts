import { Failure } from '../../failure.ts';
import type { Parameter, Texts } from '../api/form.ts';
import type { Release } from '../api/release.ts';
import type { Change, Plan } from './plan.ts';

/** Throws `usage` for every text that CloudStack would cut without a word, or refuse. */
export function checkLengths(
  { changes }: Plan,
  release: Release,
  secrets: ReadonlySet<string>,
): void {
  const long = changes.flatMap((change) => tooLong(change, release));
  if (long.length === 0) return;
  const sentences = long.map(({ subject, what, length, most }) => {
    return `${subject}: ${what} has ${length} characters, and CloudStack ${release.version} keeps ${most} there`;
  });
  throw new Failure('usage', `Not everything would fit: ${sentences.join('; ')}`, {
    advice: [...new Set(long.map((each) => remedy(each, release, secrets)))].join('. '),
  });
}

interface TooLong {
  readonly subject: string;
  readonly what: string;
  /** The detail, for a value of one. */
  readonly key?: string;
  readonly length: number;
  readonly most: number;
}

function tooLong(change: Change, release: Release): TooLong[] {
  const { subject, command } = change;
  return Object.entries(change.parameters((reference) => reference)).flatMap(([name, value]) =>
    textsOf(name, value).flatMap(({ what, key, text }) => {
      const most = mostAt(command, name, key !== undefined, release);
      const about = { subject, what, length: text.length, most };
      return text.length <= most ? [] : [key === undefined ? about : { ...about, key }];
    }),
  );
}

/** A text, or the texts of a map of details; the parts of a custom action's parameters have room enough. */
function textsOf(name: string, value: Parameter) {
  if (typeof value === 'string') return [{ what: `"${name}"`, key: undefined, text: value }];
  if (typeof value !== 'object' || Array.isArray(value)) return [];
  return Object.entries(value as Texts).map(([key, text]) => ({
    ...{ what: `the detail "${key}"`, key, text },
  }));
}

/** The most characters that CloudStack keeps. */
function mostAt(command: string, name: string, isDetail: boolean, release: Release): number {
  if (!isDetail) return name === 'displaytext' ? 4096 : name === 'url' ? 2048 : 255;
  if (/Host$/.test(command)) return 255;
  if (/Template$/.test(command)) return 1024;
  if (/CustomAction$/.test(command)) return 65_535;
  return release.detailLength;
}

function remedy(
  { key, length, most }: TooLong,
  { detailLength }: Release,
  secrets: ReadonlySet<string>,
): string {
  if (key === undefined) return 'Shorten the text';
  if (secrets.has(key)) return `Put it into a file on every server, and give ${key}_file=NAME`;
  if (most < detailLength && length <= detailLength) {
    return `"${key}" fits as a detail of the extension or of the cluster registration (${detailLength} characters)`;
  }
  return `Shorten "${key}", or give its parts to hosts of their own`;
}
