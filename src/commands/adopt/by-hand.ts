import { Failure } from '../../failure.ts';
import type { Listed } from '../audit/listed.ts';
import type { Sighting } from '../audit/survey.ts';
import type { Match } from './match.ts';

/** What an operator decided: `UUID=REMOTE_ID`, or `UUID=REMOTE_ID@HOST` where ids are not unique. */
export interface Decision {
  readonly vm: string;
  readonly remoteId: string;
  readonly host: string | undefined;
}

/** Throws `usage` for what is no decision, and for two that contradict each other. */
export function readDecisions(words: readonly string[]): readonly Decision[] {
  const decisions = words.map((word) => {
    const [, vm = '', remoteId = '', host] = /^([^=]+)=([^@=]+)(?:@(.+))?$/.exec(word) ?? [];
    if (vm !== '') return { vm, remoteId, host };
    throw new Failure(
      'usage',
      `--map has to be INSTANCE=MACHINE or INSTANCE=MACHINE@HOST, not "${word}"`,
    );
  });
  for (const key of ['vm', 'remoteId'] as const) {
    const values = decisions.map((each) => `${each[key]} ${key === 'vm' ? '' : (each.host ?? '')}`);
    const twice = values.find((value, at) => values.indexOf(value) !== at);
    if (twice !== undefined) {
      throw new Failure(
        'usage',
        `${twice.trim()} stands in two of the --map: one machine, one instance`,
      );
    }
  }
  return decisions;
}

/** The decisions as matches, each checked as far as it can be. */
export function decided(
  decisions: readonly Decision[],
  homeless: readonly Listed[],
  free: readonly Sighting[],
): readonly Match[] {
  return decisions.map(({ vm, remoteId, host }) => {
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
}
