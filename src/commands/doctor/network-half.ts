import type { Check } from '../../contract/provider.ts';
import { Failure, fullText } from '../../failure.ts';
import type { DeadlineControl } from '../../kit/deadline.ts';
import { createRedactor } from '../../kit/redact.ts';
import type { Texts } from '../api/form.ts';
import type { CommandWorld } from '../command.ts';
import { type OpenHalf, openHalf } from '../network-half/open.ts';
import { connectionChecks } from './connections.ts';
import { type Finding, fail, inLayer, ok, skipped, warn } from './finding.ts';
import { tlsOf } from './settings.ts';

export interface HalfExamination {
  /** The extension, or a word for one that was only typed. */
  readonly label: string;
  /** The details of one registration with a physical network. */
  readonly registration: Texts;
  readonly world: CommandWorld;
  readonly deadline: DeadlineControl;
  readonly onStep: (what: string) => void;
}

/** Looks at the network half of a provider as its commands would find it; changes nothing. */
export async function examineHalf(examination: HalfExamination): Promise<readonly Finding[]> {
  const secrets: string[] = [];
  const found = await examined(examination, secrets);
  const { text } = createRedactor(secrets);
  return found.map(({ name, advice, ...each }) => ({
    ...{ ...each, name: `${examination.label}: ${name}`, found: text(each.found) },
    ...(advice === undefined ? {} : { advice: text(advice) }),
  }));
}

async function examined(
  examination: HalfExamination,
  secrets: string[],
): Promise<readonly Finding[]> {
  let open: OpenHalf;
  try {
    open = await openHalf(examination.registration, examination, secrets);
  } catch (thrown) {
    return inLayer('settings', [fail('details', fullText(Failure.from(thrown)))]);
  }
  const { provider, unread, settings } = open;
  const place = { title: provider.title, tls: tlsOf(settings) };
  const network = await connectionChecks(provider, settings, { ...examination, ...place });
  examination.onStep(`asking ${provider.title} for its networks`);
  return [
    ...inLayer('settings', [
      ok('details', 'every setting fits'),
      ...unread.map((each) => warn('details', `${each} is unknown`, 'Remove it if it has no use')),
    ]),
    ...inLayer('network', network),
    ...inLayer('provider', await providerChecks(open)),
  ];
}

async function providerChecks({ provider, half, settings, context }: OpenHalf) {
  if (half.checks === undefined) {
    return [skipped('provider', `${provider.title} has nothing to check for networks`)];
  }
  try {
    return await half.checks(settings, context);
  } catch (thrown) {
    return [fail('provider', fullText(Failure.from(thrown)))] satisfies readonly Check[];
  }
}
