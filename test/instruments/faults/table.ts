import type { Action } from './action.ts';
import { actions } from './actions.ts';
import type { Fault } from './fault.ts';
import { type FaultCase, idOf, type Result } from './fault-case.ts';
import { nameFaults } from './name-faults.ts';
import { networkFaults } from './network-faults.ts';
import { rightsFaults } from './rights-faults.ts';
import { serverFaults } from './server-faults.ts';
import { type SystemName, systems } from './systems.ts';

/** Nothing goes wrong: every action has to succeed, and shows how many requests it makes. */
export const none: Fault = { name: 'none', about: 'nothing goes wrong', told: ['success'] };

const onTheWay: readonly Fault[] = [...networkFaults, ...nameFaults];

export const faults: readonly Fault[] = [none, ...onTheWay, ...rightsFaults, ...serverFaults];

export const providers = Object.keys(systems) as readonly SystemName[];

/** A fault of an action of a provider, wherever it is injected. */
export type Row = Omit<FaultCase, 'position' | 'counted'>;

/** All rows of one provider that this machine can play. */
export function rowsOf(provider: SystemName): readonly Row[] {
  return allOf(provider).filter(({ fault }) => fault.lacks?.(provider) === undefined);
}

function allOf(provider: SystemName): readonly Row[] {
  return actions
    .filter(({ only }) => only?.includes(provider) ?? true)
    .flatMap((action) =>
      faults
        .filter((fault) => fits(fault, action, provider))
        .map((fault) => ({ provider, action, fault })),
    );
}

function fits(fault: Fault, action: Action, provider: SystemName): boolean {
  if (!(action.faults?.includes(fault.name) ?? true)) return false;
  if (!(fault.actions?.includes(action.name) ?? true)) return false;
  return provider !== 'simulator' || !onTheWay.includes(fault);
}

/** The case that a report or a command line means; its request or change is behind the `@`. */
export function caseNamed(id: string): FaultCase {
  const [name = '', position] = id.split('@');
  const found = providers.flatMap(allOf).find((each) => name === idOf(each));
  if (found === undefined) throw new Error(`the table has no case ${id}`);
  if (position === undefined) return found;
  const counted = found.fault.at === 'change' ? 'changes' : 'requests';
  return { ...found, counted, position: Number(position) };
}

/** The faults that this machine cannot play, with the reasons. */
export function lacking(): readonly string[] {
  return faults.flatMap(({ name, lacks }) => {
    const reasons = providers.flatMap((provider) => {
      const reason = lacks?.(provider);
      return reason === undefined ? [] : [`${name}, ${provider}: ${reason}`];
    });
    return reasons.length === providers.length
      ? [reasons[0]?.replace(/, \w+:/, ':') ?? '']
      : reasons;
  });
}

const all = Number.POSITIVE_INFINITY;

/** The cases of a row: one, or those for the requests or changes of the undisturbed action. */
export function casesOf(
  row: Row,
  clean: Pick<Result, 'requests' | 'changes'>,
  wanted?: number,
): readonly FaultCase[] {
  const { fault } = row;
  // An action without requests has no way on which a fault could happen.
  if (onTheWay.includes(fault) && clean.requests === 0) return [];
  if (fault.at === undefined) return [row];
  // An action that changes nothing has only its requests to be injected at.
  const counted = fault.at === 'change' && clean.changes > 0 ? 'changes' : 'requests';
  const { most = all } = fault;
  const usual = most === all ? all : Math.min(row.action.most ?? all, most);
  return spread(clean[counted], wanted ?? usual).map((position) => ({ ...row, counted, position }));
}

/** So many of the numbers from 1 to the last one, both of them included. */
function spread(last: number, most: number): readonly number[] {
  if (last <= most) return Array.from({ length: last }, (_, index) => index + 1);
  if (most === 1) return [Math.ceil(last / 2)];
  const steps = Array.from({ length: most }, (_, index) => index / (most - 1));
  return steps.map((part) => 1 + Math.round(part * (last - 1)));
}
