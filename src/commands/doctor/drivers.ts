import { readdirSync } from 'node:fs';
import type { Config } from '../../cloudstack/config.ts';
import type { Check } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import { driverTools } from '../../providers/index.ts';
import { type Account, entryAt } from './account.ts';
import { fail, ok } from './finding.ts';

/** The drivers in any language on this server: Outrigger runs none that others could have written. */
export async function driverChecks(
  { drivers: { directory, owner } }: Config,
  account: Account,
): Promise<Check[]> {
  if (entryAt(directory) === undefined) return [];
  const { executableOf } = await driverTools();
  const place = { directory, owner: owner === 'root' ? 0 : account.uid };
  return readdirSync(directory).map((name) => {
    try {
      return ok(`driver ${name}`, `${executableOf(name, place).path} may be run`);
    } catch (thrown) {
      const { message, advice } = Failure.from(thrown);
      return fail(`driver ${name}`, message, advice);
    }
  });
}
