import { Failure } from '../../failure.ts';
import type { Listed } from '../audit/listed.ts';
import { placeOf, type Sighting } from '../audit/survey.ts';
import type { Match } from './match.ts';

/** What an operator decided: `UUID=REMOTE_ID`, or `UUID=REMOTE_ID@HOST` where ids are not unique. */
export interface Decision {
  readonly vm: string;
  readonly remoteId: string;
  readonly host: string | undefined;
}

/** Throws `usage` for what is no decision. */
export function readDecisions(words: readonly string[]): readonly Decision[] {
  return words.map((word) => {
    const [, vm = '', remoteId = '', host] = /^([^=]+)=([^@=]+)(?:@(.+))?$/.exec(word) ?? [];
    if (vm !== '') return { vm, remoteId, host };
    throw new Failure(
      'usage',
      `--map has to be INSTANCE=MACHINE or INSTANCE=MACHINE@HOST, not "${word}"`,
    );
  });
}

/** The decisions as matches, each checked as far as it can be; throws for two that contradict. */
export function decided(
  decisions: readonly Decision[],
  homeless: readonly Listed[],
  free: readonly Sighting[],
): readonly Match[] {
  const matches = decisions.map(({ vm, remoteId, host }): Match => {
    const instance = homeless.find(({ uuid, name }) => uuid === vm.toLowerCase() || name === vm);
    if (instance === undefined) {
      throw new Failure('not-found', `CloudStack has no instance "${vm}" that lacks a machine`);
    }
    const found = free.filter(
      ({ machine, seats }) =>
        machine.remoteId === remoteId &&
        (host === undefined || seats.some((seat) => seat.host.name === host)),
    );
    const [sighting, second] = found;
    if (sighting === undefined) {
      throw new Failure(
        'not-found',
        `There is no unmarked machine ${remoteId} (templates do not count)`,
      );
    }
    if (second !== undefined) {
      throw new Failure('usage', `There are ${found.length} machines ${remoteId}`, {
        advice: 'Say which: INSTANCE=MACHINE@HOST',
      });
    }
    return { instance, sighting, reasons: ['your word'] };
  });
  // An instance has two names, and a machine may be named with or without a host.
  refuseTwice(matches.map(({ instance }) => instance.name));
  refuseTwice(matches.map(({ sighting }) => placeOf(sighting)));
  return matches;
}

function refuseTwice(words: readonly string[]): void {
  const twice = words.find((word, at) => words.indexOf(word) !== at);
  if (twice === undefined) return;
  throw new Failure('usage', `${twice} stands in two of the --map: one machine, one instance`);
}
