import { described } from '../../fakes/cloudstack-api/genuine/index.ts';
import { checkParameters, type FakeRelease } from '../../fakes/cloudstack-api/parameters.ts';
import { wordsOf } from './page.ts';

export interface ApiCall {
  /** As listApis spells it. */
  readonly command: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * A line for cmk as the call that it makes: `cmk VERB NOUN key=value ...`, where verb and noun together are
 * the command in small letters. `filter` chooses columns and is cmk's own.
 */
export function readCmk(line: string, release: FakeRelease): ApiCall {
  const [program, verb = '', noun = '', ...rest] = wordsOf(line);
  if (program !== 'cmk') throw new Error(`"${line}" is not for cmk`);
  const command = [...described.keys()].find(
    (name) => name.toLowerCase() === `${verb}${noun}` && name.startsWith(verb),
  );
  if (command === undefined) throw new Error(`CloudStack has no command "${verb} ${noun}"`);
  const parameters = new Map<string, string>();
  for (const word of rest) {
    const [, key = '', value = ''] = /^([a-z]+(?:\[\d+\]\.\S+?)?)=(.+)$/.exec(word) ?? [];
    if (key === '') throw new Error(`cmk takes "${word}" for no parameter: it has to be key=value`);
    if (parameters.has(key)) throw new Error(`${key} is given twice`);
    if (key !== 'filter') parameters.set(key, value);
  }
  try {
    checkParameters(command, parameters, release);
  } catch (refusal) {
    throw new Error(`${line}: ${JSON.stringify(refusal)}`);
  }
  return { command, parameters };
}
