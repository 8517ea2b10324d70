import type { Check, Provider } from '../../contract/provider.ts';
import { expectFailure } from '../../failure.ts';
import { newestLines } from '../../kit/log-tail.ts';
import { parseLine } from '../log/line.ts';
import { ok, skipped, warn } from './finding.ts';

const name = 'prepare';
/** The calls of some hours on a busy server. */
const mostLines = 20_000;
const rotatedFiles = 5;

/**
 * Whether CloudStack calls prepare for a provider that needs it, by the creates that this server has logged:
 * the form of the user interface for new extensions never sends the switch.
 */
export function prepareChecks({ name: provider, title, prepares }: Provider, log: string): Check[] {
  if (!prepares) return [];
  const calls = { create: new Set<string>(), prepare: new Set<string>() };
  try {
    let count = 0;
    for (const text of newestLines(log, rotatedFiles)) {
      count += 1;
      if (count > mostLines) break;
      // A line is parsed only where it may be one of the two.
      const line = /"action":"(prepare|create)"/.test(text) ? parseLine(text) : undefined;
      if (line === undefined || line.facts['provider'] !== provider) continue;
      calls[line.action === 'create' ? 'create' : 'prepare'].add(line.vm);
    }
  } catch (thrown) {
    return [skipped(name, expectFailure(thrown).message)];
  }
  const { create, prepare } = calls;
  if (create.size === 0) return [];
  if (prepare.size > 0) {
    return [ok(name, 'CloudStack calls it before it creates an instance')];
  }
  return [
    warn(
      name,
      `CloudStack has created ${create.size} instances without calling prepare, which ${title} needs to have its ids remembered`,
      'updateExtension id=ID orchestratorrequirespreparevm=true, as register does; the form for new extensions never sends it',
    ),
  ];
}
