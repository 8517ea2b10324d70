import type { Check, Provider } from '../../contract/provider.ts';
import type { DeadlineControl } from '../../kit/deadline.ts';
import { readEndpoint } from '../../kit/http/address.ts';
import type { Tls } from '../../kit/http/tls.ts';
import { endpointsOf, networkChecks } from './network.ts';

interface Place {
  readonly title: string;
  readonly tls: Tls;
  readonly deadline: DeadlineControl;
  readonly onStep: (what: string) => void;
}

/** The way to each address that the settings name, from its name to its clock. */
export async function connectionChecks(
  provider: Provider,
  settings: Readonly<Record<string, unknown>>,
  { title, tls, deadline, onStep }: Place,
): Promise<readonly Check[]> {
  const found: Check[] = [];
  const urls = endpointsOf(provider, settings);
  for (const url of urls) {
    onStep(`connecting to ${url}`);
    const endpoint = readEndpoint(url, { title, allowPlainHttp: true });
    const checks = await networkChecks(title, endpoint, tls, deadline);
    const named = ({ name }: Check) => (urls.length === 1 ? name : `${name} ${endpoint.authority}`);
    found.push(...checks.map((check) => ({ ...check, name: named(check) })));
  }
  return found;
}
