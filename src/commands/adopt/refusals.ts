import type { Scan } from '../audit/scan.ts';
import type { Match, Matches, Undecided } from './match.ts';

/** Leaves out the matches of which a second candidate may be on a host that could not be asked. */
export function withRefusals({ matches, undecided }: Matches, scan: Scan): Matches {
  const refused = matches.flatMap((match): Undecided[] => {
    const why = refusalOf(match, scan);
    return why === undefined ? [] : [{ instance: match.instance, why, candidates: 1 }];
  });
  const instances = new Set(refused.map(({ instance }) => instance));
  return {
    matches: matches.filter(({ instance }) => !instances.has(instance)),
    undecided: [...undecided.map((each) => withUnasked(each, scan)), ...refused],
  };
}

/** Without a candidate the machine may be on a host that could not be asked. */
function withUnasked(undecided: Undecided, { unreachable }: Scan): Undecided {
  if (undecided.candidates > 0 || unreachable.length === 0) return undecided;
  const words = unreachable.map(({ host, why }) => `${host} (${why})`).join(', ');
  return { ...undecided, why: `${undecided.why}; not all hosts could be asked: ${words}` };
}

function refusalOf({ seenMachine }: Match, { unreachable }: Scan): string | undefined {
  const [{ provider }] = seenMachine.openHosts;
  // A host of the same product may have a second candidate; one of another product cannot.
  const blind = unreachable.filter((each) => (each.provider ?? provider.name) === provider.name);
  const [first] = blind;
  if (first !== undefined) {
    const names = blind.map((each) => each.host).join(', ');
    return `not all hosts could be asked (${names}), and a second candidate may be there: ${first.why}`;
  }
  return undefined;
}
