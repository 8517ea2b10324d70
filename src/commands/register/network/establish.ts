import { Failure } from '../../../failure.ts';
import { deadlineIn } from '../../../kit/deadline.ts';
import { apiHelp, demandAccess, readAccess } from '../../api/access.ts';
import { asText, createApi } from '../../api/client.ts';
import { releaseOf } from '../../api/release.ts';
import type { CommandCall } from '../../command.ts';
import { carryOut, show } from '../carry-out.ts';
import { checkLengths } from '../lengths.ts';
import { printCommands } from '../print.ts';
import { type ActualNetwork, checkRelease, readActualNetwork } from './actual.ts';
import { planNetwork } from './plan.ts';
import { readWantedNetwork, type WantedNetwork } from './wanted.ts';

const timeoutSeconds = 600;

/** `register --network`: makes CloudStack match for one extension of type NetworkOrchestrator. */
export async function establishNetwork(call: CommandCall): Promise<number> {
  const wanted = await readWantedNetwork(call);
  const access = call.flag('print') ? readAccess(call) : demandAccess(call);
  if (access === undefined) return print(call, wanted, unknown(call, wanted));
  const api = createApi(access, deadlineIn(timeoutSeconds));
  try {
    const actual = await readActualNetwork(api, wanted);
    if (call.flag('print')) return print(call, wanted, actual);
    const plan = planned(wanted, actual);
    if (call.flag('plan')) return show(call, plan, wanted.secrets);
    return await carryOut(call, api, plan, {
      secrets: wanted.secrets,
      known: idsFor(wanted, actual),
      again: async () => planned(wanted, await readActualNetwork(api, wanted)),
    });
  } finally {
    api.close();
  }
}

function planned(wanted: WantedNetwork, actual: ActualNetwork) {
  const plan = planNetwork(wanted, actual);
  checkLengths(plan, actual.release, wanted.secrets);
  return plan;
}

/** A CloudStack of which nothing is known; the installation has to be given then. */
function unknown({ text }: CommandCall, { installation }: WantedNetwork): ActualNetwork {
  const release = releaseOf(text('cloudstack') ?? '4.23');
  checkRelease(release);
  const nothing = { extension: undefined, physicalNetwork: undefined, offerings: new Map() };
  if (installation !== undefined) return { release, others: [], ...nothing };
  throw new Failure('usage', 'Without access to CloudStack, --print needs --installation', {
    advice: `Give the one of the extension that serves the cluster. ${apiHelp}`,
  });
}

function print({ world }: CommandCall, wanted: WantedNetwork, actual: ActualNetwork): number {
  const plan = planned(wanted, actual);
  const about = { name: wanted.name, kind: 'network' } as const;
  const lines = printCommands(plan, idsFor(wanted, actual), about, wanted.secrets);
  for (const line of lines) world.out(line);
  return 0;
}

function idsFor(wanted: WantedNetwork, actual: ActualNetwork): ReadonlyMap<string, string> {
  const ids = [
    ['extension', asText(actual.extension?.['id'])],
    [`physicalnetwork:${wanted.physicalNetwork}`, asText(actual.physicalNetwork?.['id'])],
    ...[...actual.offerings].map(
      ([name, each]) => [`offering:${name}`, asText(each['id'])] as const,
    ),
  ] as const;
  return new Map(ids.filter(([, id]) => id !== ''));
}
