import type { Check } from '../../../contract/provider.ts';
import { expectFailure, fullText } from '../../../failure.ts';
import { type Opening, sessionOf } from '../machine/driver.ts';
import { listMachines } from '../machine/read.ts';
import type { Session } from '../machine/session.ts';

/** For `doctor`: the driver's file, its list, its marks, and what the driver itself has to say. */
export async function checks(
  opening: Opening,
  blueprint: Readonly<Record<string, unknown>> = {},
): Promise<readonly Check[]> {
  const session = sessionOf(opening);
  const { reach, said } = opening;
  return [
    ...(await attempt('driver', async () => {
      const { path } = reach.executable();
      return [{ state: 'ok', found: `${path} describes itself as ${said.name}` }];
    })),
    { name: 'marks', state: 'ok', found: protection[session.marks] },
    ...(await attempt('machines', () => listed(session))),
    ...(session.has('check') ? await attempt('driver', () => ownChecks(session, blueprint)) : []),
  ];
}

const protection: Readonly<Record<Session['marks'], string>> = {
  label:
    'the system keeps them beside a machine: copies, half-made machines and those of others are told apart',
  name: 'they are the names of machines: those of others are told apart; a half-made machine counts as finished, and nothing can be adopted',
};

async function listed(session: Session): Promise<readonly Omit<Check, 'name'>[]> {
  const all = await listMachines(session, 'inventory', session.context.deadline);
  return [{ state: 'ok', found: `the driver lists ${all.length}` }];
}

async function ownChecks(
  { client, context: { deadline } }: Session,
  blueprint: Readonly<Record<string, unknown>>,
): Promise<readonly Check[]> {
  const answer = await client.ask('check', { blueprint }, { what: 'check its system', deadline });
  return answer.checks.map(({ advice, ...rest }) =>
    advice === undefined ? rest : { ...rest, advice },
  );
}

async function attempt(
  name: string,
  look: () => Promise<readonly (Omit<Check, 'name'> & { readonly name?: string })[]>,
): Promise<readonly Check[]> {
  try {
    return (await look()).map((check) => ({ name, ...check }));
  } catch (thrown) {
    return [{ name, state: 'fail', found: fullText(expectFailure(thrown)) }];
  }
}
