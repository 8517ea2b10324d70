import type { Details } from '../../cloudstack/payload.ts';
import { Failure } from '../../failure.ts';
import { deadlineIn } from '../../kit/deadline.ts';
import { readAccess } from '../api/access.ts';
import { asText, asTexts, createApi } from '../api/client.ts';
import type { CommandCall } from '../command.ts';
import { readWanted } from '../register/wanted.ts';
import type { Places } from './details.ts';

/** The details of a host in the setup file with those of its first template. */
export async function placesIn(call: CommandCall): Promise<Places> {
  // The words of doctor are details, and the first one of register is a name.
  const { name, provider, details, clusters, templates } = await readWanted({
    ...call,
    positionals: [],
  });
  const wanted = call.text('host');
  const all = clusters.flatMap((cluster) => cluster.hosts.map((host) => ({ cluster, host })));
  const found = wanted === undefined ? all[0] : all.find(({ host }) => host.name === wanted);
  if (found === undefined && wanted !== undefined) {
    throw new Failure('usage', `The setup file has no host "${wanted}"`, {
      advice: `It has: ${all.map(({ host }) => host.name).join(', ')}`,
    });
  }
  return {
    extension: { provider: provider.name, ...(await installationOf(call, name)), ...details },
    resourcemap: found?.cluster.details ?? {},
    host: found?.host.details ?? {},
    virtualmachine: templates[0]?.details ?? {},
  };
}

/** The installation that `register` keeps with the extension, where access to CloudStack was given. */
async function installationOf(call: CommandCall, name: string): Promise<Details> {
  const access = readAccess(call);
  if (access === undefined) return {};
  const api = createApi(access, deadlineIn(60));
  try {
    const all = await api.list('listExtensions', { details: 'all' });
    const { installation } = asTexts(
      all.find((each) => asText(each['name']) === name)?.['details'],
    );
    return installation === undefined ? {} : { installation };
  } finally {
    api.close();
  }
}
