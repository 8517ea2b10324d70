import type { Deadline } from '../../contract/context.ts';
import type { Check } from '../../contract/provider.ts';
import { Failure, fullText } from '../../failure.ts';
import { lastingFindings } from '../audit/compare.ts';
import type { Lists } from '../audit/listed.ts';
import { withLists } from '../audit/lists.ts';
import { scanHosts } from '../audit/scan.ts';
import type { CommandCall } from '../command.ts';
import { progressOf } from '../terminal.ts';
import { fail, ok, skipped } from './finding.ts';

const name = 'other hosts';

/**
 * Whether another extension has drawn instances of ours to its hosts, as audit finds it: such an extension reports
 * every machine that its account sees, and CloudStack believes it.
 */
export async function drawnChecks(
  call: CommandCall,
  deadline: Deadline,
): Promise<readonly Check[]> {
  try {
    return await withLists(call, deadline, (lists) => checksOf(call, lists, deadline));
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.kind === 'usage') throw failure;
    return [fail('CloudStack', fullText(failure))];
  }
}

async function checksOf(
  { json, world }: CommandCall,
  lists: Lists,
  deadline: Deadline,
): Promise<readonly Check[]> {
  const away = lists.instances.filter(({ home }) => home === 'elsewhere').length;
  if (away === 0) return [ok(name, 'no instance is on a host of another extension')];
  const onStep = progressOf({ json, world });
  const seen = await scanHosts(lists.hosts, { world, deadline, changes: false, onStep });
  const drawn = (await lastingFindings(lists, seen)).filter(({ kind }) => kind === 'other-host');
  const blind = seen.unreachable.map(({ host, why }) => skipped(`host ${host}`, why));
  if (drawn.length === 0) {
    return [ok(name, `${away} instances are on hosts of other extensions, none is ours`), ...blind];
  }
  return [
    ...drawn.map(({ subject, found, advice }) => fail(name, `${subject}: ${found}`, advice)),
    ...blind,
  ];
}
