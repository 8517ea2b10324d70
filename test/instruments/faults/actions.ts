import type { Action } from './action.ts';
import { diskActions } from './disk-actions.ts';
import { lifeActions } from './life-actions.ts';
import { machineActions } from './machine-actions.ts';

/** The actions that are columns of the table. */
export const actions: readonly Action[] = [...lifeActions, ...diskActions, ...machineActions];
