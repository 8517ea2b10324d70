import { parseGson } from './gson.ts';
import { asText } from './json.ts';

/** The meaning of a status answer to CloudStack. */
export type PowerWord = 'PowerOn' | 'PowerOff' | 'PowerUnknown';

export interface PowerReport {
  readonly power: PowerWord;
  /** The word that was read, if one was. */
  readonly word?: string;
}

/** A status answer: `power_state` of an object, or the whole output taken as the word itself. */
export function readPower(text: string): PowerReport {
  const json = parseGson(text);
  if (json?.kind !== 'object') return text === '' ? { power: 'PowerUnknown' } : meaning(text);
  const word = asText(json.members.get('power_state'));
  return word === undefined ? { power: 'PowerUnknown' } : meaning(word);
}

/** Whether a word is one of CloudStack's, or says honestly that the state is not known. */
export function isPowerWord(word: string): boolean {
  return /^(poweron|poweroff|powerunknown|unknown)$/i.test(word);
}

/** A statuses answer by instance name, or why CloudStack falls back to status for each. */
export function readPowers(
  text: string,
): { readonly reports: ReadonlyMap<string, PowerReport> } | { readonly refused: string } {
  const json = parseGson(text);
  if (json?.kind !== 'object') return { refused: 'it is not one JSON object' };
  if (asText(json.members.get('status'))?.toLowerCase() !== 'success') {
    return { refused: 'its "status" is not "success"' };
  }
  const states = json.members.get('power_state');
  if (states?.kind !== 'object') return { refused: 'its "power_state" is not an object' };
  const words = [...states.members].map(([name, word]) => [name, asText(word)] as const);
  const odd = words.find(([, word]) => word === undefined);
  if (odd !== undefined) return { refused: `the state of "${odd[0]}" is not a text` };
  return { reports: new Map(words.map(([name, word]) => [name, meaning(word ?? '')])) };
}

function meaning(word: string): PowerReport {
  const known = (['PowerOn', 'PowerOff'] as const).find(
    (name) => name.toLowerCase() === word.toLowerCase(),
  );
  return { power: known ?? 'PowerUnknown', word };
}
