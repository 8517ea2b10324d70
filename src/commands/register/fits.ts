import type { Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import { asTexts } from '../api/client.ts';
import type { Actual } from './actual.ts';
import { levelsOf, type MergedHost, mergedHosts } from './merged.ts';
import { refuseOtherProvider } from './other-provider.ts';
import type { Plan } from './plan.ts';
import { issuesOf, type Surroundings, templateIssues } from './readable.ts';
import { asQuestion, unknownIn } from './unknown.ts';
import type { Wanted } from './wanted.ts';

/**
 * Reads every detail as a call would read it, of the extension, of each host and of each template.
 *
 * Throws `usage` for details that this run would break, `conflict` for another provider where there are hosts;
 * details that are wrong already or that the provider does not read become remarks.
 */
export function checkDetails(wanted: Wanted, actual: Actual, around: Surroundings): Plan {
  const hosts = mergedHosts(wanted, actual);
  refuseOtherProvider(wanted, actual, around);
  const before = asTexts(actual.extension?.['details']);
  const alone: MergedHost = {
    name: '',
    before: levelsOf(before),
    after: levelsOf({ ...before, ...wanted.details }),
  };
  const found = [...(hosts.length === 0 ? [alone] : []), ...hosts].map((host) =>
    compare(wanted.provider, host, hosts.length === 0, around),
  );
  const unknown = unknownIn(wanted);
  const fresh = [
    ...found.flatMap(({ name, fresh }) => fresh.map((sentence) => titled(name, sentence))),
    ...unknown.filter(({ meant }) => meant !== undefined).map(asQuestion),
    ...templateIssues(wanted, hosts[0] ?? alone, around),
  ];
  if (fresh.length > 0) {
    throw new Failure('usage', `The details do not fit: ${[...new Set(fresh)].join('; ')}`, {
      advice: `Nothing was changed; \`outrigger settings ${wanted.provider.name}\` shows what there is`,
    });
  }
  const old = found.flatMap(({ name, old }) => old.map((sentence) => titled(name, sentence)));
  return {
    changes: [],
    remarks: [
      ...new Set([
        ...old.map((sentence) => `Already wrong before: ${sentence}`),
        ...unknown.map(({ where, key }) => `${where} detail "${key}" is read by nothing`),
      ]),
    ],
  };
}

function titled(host: string, sentence: string): string {
  return host === '' ? sentence : `host ${host}: ${sentence}`;
}

/** The sentences that are new with this run, and those that are true already. */
function compare(
  provider: Provider,
  { name, before, after }: MergedHost,
  mayLack: boolean,
  around: Surroundings,
) {
  const old = before === undefined ? [] : issuesOf(provider, before, mayLack, around);
  const now = issuesOf(provider, after, mayLack, around);
  const fresh = now.filter((sentence) => !old.includes(sentence));
  return { name, fresh, old: now.filter((sentence) => old.includes(sentence)) };
}
