import { Failure } from '../../failure.ts';
import type { Listed } from '../audit/listed.ts';
import { placeOf, type SeenMachine } from '../audit/scan.ts';
import type { Match } from './match.ts';

/** A decision of the operator: `UUID=REMOTE_ID`, or `UUID=REMOTE_ID@HOST` where ids are not unique. */
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

/** The instance by its UUID or name; throws `not-found` when it is not among them. */
export function instanceNamed(word: string, unmatched: readonly Listed[]): Listed {
  const found = unmatched.find(({ uuid, name }) => uuid === word.toLowerCase() || name === word);
  if (found !== undefined) return found;
  throw new Failure('not-found', `CloudStack has no instance "${word}" that lacks a machine`);
}

/** The decisions as matches, each checked as far as it can be; throws for two that contradict. */
export function decided(
  decisions: readonly Decision[],
  unmatched: readonly Listed[],
  free: readonly SeenMachine[],
  unasked: readonly string[],
): readonly Match[] {
  const matches = decisions.map(({ vm, remoteId, host }): Match => {
    const instance = instanceNamed(vm, unmatched);
    const found = free
      .filter(({ machine }) => machine.remoteId === remoteId)
      .flatMap((seenMachine) => (host === undefined ? [seenMachine] : seenBy(host, seenMachine)));
    const [seenMachine, second] = found;
    if (seenMachine === undefined) {
      throw new Failure(
        'not-found',
        `There is no unmarked machine ${remoteId} (templates do not count)${unasked.length === 0 ? '' : `; these hosts could not be asked: ${unasked.join(', ')}`}`,
      );
    }
    if (second !== undefined) {
      throw new Failure('usage', `There are ${found.length} machines ${remoteId}`, {
        advice: 'Say which: INSTANCE=MACHINE@HOST',
      });
    }
    return { instance, seenMachine, reasons: ['your word'] };
  });
  // An instance has two names, and a machine may be named with or without a host.
  refuseTwice(matches.map(({ instance }) => [instance, instance.name]));
  refuseTwice(matches.map(({ seenMachine }) => [seenMachine.machine, placeOf(seenMachine)]));
  return matches;
}

/** The machine at this host only: another system may have one of the same id and name. */
function seenBy(host: string, { machine, openHosts }: SeenMachine): SeenMachine[] {
  return openHosts
    .filter((openHost) => openHost.host.name === host)
    .map((openHost) => ({ machine, openHosts: [openHost] }));
}

function refuseTwice(chosen: readonly (readonly [thing: object, name: string])[]): void {
  const things = chosen.map(([thing]) => thing);
  const twice = chosen.find(([thing], at) => things.indexOf(thing) !== at);
  if (twice === undefined) return;
  throw new Failure('usage', `${twice[1]} stands in two of the --map: one machine, one instance`);
}
