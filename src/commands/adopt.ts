import { Failure } from '../failure.ts';
import { deadlineIn } from '../kit/deadline.ts';
import { type Decision, decided, instanceNamed, readDecisions } from './adopt/by-hand.ts';
import { carryOut } from './adopt/carry-out.ts';
import { type Matches, matchAll, type Undecided } from './adopt/match.ts';
import { withRefusals } from './adopt/refusals.ts';
import { report } from './adopt/report.ts';
import { apiHelp, apiOptions } from './api/access.ts';
import { isOurs } from './audit/compare.ts';
import type { Listed } from './audit/listed.ts';
import { inventoryOption, withLists } from './audit/lists.ts';
import { type Scan, scanHosts } from './audit/scan.ts';
import type { Command, CommandCall } from './command.ts';
import { progressOf } from './terminal.ts';

const timeoutSeconds = 600;

export const adopt: Command = {
  usage: '',
  options: {
    plan: { type: 'boolean', about: 'Only show what would be marked, and why' },
    vm: { type: 'string', value: 'UUID|NAME', multiple: true, about: 'Only this instance' },
    map: { type: 'string', value: 'VM=MACHINE', multiple: true, about: 'Decide it yourself' },
    ...inventoryOption,
    ...apiOptions,
  },
  positionals: { min: 0, max: 0 },
  exitCodes: {
    0: 'no instance is without its machine any more',
    1: 'some are undecided, or could not be marked',
    2: 'wrong usage; nothing was marked',
    3: '--plan: something would be marked',
  },
  more: `
Marks machines that carry no mark for the instances they belong to: those of the built-in
extensions, or foreign ones. Two of name, stored id and MAC addresses have to agree, nothing
may speak against it, and there must be one candidate only; everything else is left to you:
--map i-2-42-VM=121, or --map UUID=121@HOST. Nothing but the mark is changed.
${apiHelp}

  outrigger adopt --plan --credentials /etc/outrigger/audit.json
  outrigger adopt --vm i-2-42-VM`,
  async run(call) {
    const deadline = deadlineIn(timeoutSeconds);
    const decisions = readDecisions(call.texts('map'));
    if (decisions.length > 0 && call.texts('vm').length > 0) {
      throw new Failure('usage', '--map names the instances itself: leave --vm away');
    }
    return withLists(call, deadline, async ({ hosts, instances }) => {
      const changes = !call.flag('plan');
      const onStep = progressOf(call);
      const seen = await scanHosts(hosts, { world: call.world, deadline, changes, onStep });
      const matches = withRefusals(settle(call, decisions, instances, seen), seen);
      const outcomes = await carryOut(matches.matches, { planned: !changes });
      return report(call, matches.undecided, outcomes, { planned: !changes });
    });
  },
};

function settle(
  call: CommandCall,
  decisions: readonly Decision[],
  instances: readonly Listed[],
  seen: Scan,
): Matches {
  const unmatched = withoutMachine(instances, seen);
  const free = seen.seenMachines.filter(
    ({ machine }) => machine.mark === undefined && machine.template !== true,
  );
  // An operator who decides by --map wants nothing else to be marked.
  if (decisions.length > 0) {
    const unasked = seen.unreachable.map(({ host, why }) => `${host} (${why})`);
    return { matches: decided(decisions, unmatched, free, unasked), undecided: [] };
  }
  const unreadable = seen.seenMachines.filter(({ machine }) => machine.mark === 'unreadable');
  const { matches, undecided } = matchAll(unmatched, free, unreadable);
  const wanted = new Set(chosen(call, unmatched));
  const named = call.texts('vm').length > 0;
  return {
    matches: matches.filter(({ instance }) => wanted.has(instance)),
    undecided: undecided.filter(
      (each) => wanted.has(each.instance) && (named || mayBeOurs(each, seen)),
    ),
  };
}

/** Instances that have to have a machine and of which no marked one was seen. */
function withoutMachine(instances: readonly Listed[], { seenMachines }: Scan): Listed[] {
  const owned = new Set(
    seenMachines.filter(isOurs).map(({ machine }) => machine.mark.uuid.toLowerCase()),
  );
  const states = ['Running', 'Stopped', 'Stopping', 'Migrating'];
  return instances.filter(
    ({ uuid, state, home }) => !owned.has(uuid) && states.includes(state) && home !== 'elsewhere',
  );
}

/** A stopped instance has no host: without any trace here it is another extension's. */
function mayBeOurs({ instance, candidates }: Undecided, { seenMachines }: Scan): boolean {
  if (instance.home !== 'unknown' || candidates > 0) return true;
  const hosts = seenMachines.flatMap(({ openHosts }) => openHosts);
  return hosts.some(({ provider }) =>
    Object.keys(provider.stored).some((key) => Object.hasOwn(instance.details, key)),
  );
}

function chosen({ texts }: CommandCall, unmatched: readonly Listed[]): readonly Listed[] {
  const words = texts('vm');
  if (words.length === 0) return unmatched;
  // One may be named twice, by its name and by its UUID.
  return [...new Set(words.map((word) => instanceNamed(word, unmatched)))];
}
