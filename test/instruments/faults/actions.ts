import type { Action } from './action.ts';
import { diskActions } from './disk-actions.ts';
import { lifeActions } from './life-actions.ts';
import { machineActions } from './machine-actions.ts';

/** What the table has a column for. */
export const actions: readonly Action[] = [...lifeActions, ...diskActions, ...machineActions];
