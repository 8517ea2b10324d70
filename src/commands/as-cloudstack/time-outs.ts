/** The actions that are CloudStack's own; every other word is a custom action. */
export const builtInActions = [
  'prepare',
  'create',
  'start',
  'stop',
  'reboot',
  'delete',
  'status',
  'statuses',
  'getconsole',
] as const;

/** Argument 3 in seconds where the operator has configured nothing else. */
export function defaultTimeout(action: string): { readonly seconds: number; readonly why: string } {
  if ((builtInActions as readonly string[]).includes(action)) {
    return { seconds: 1800, why: 'the global setting "wait"' };
  }
  if (action.startsWith('com.cloud.')) {
    return { seconds: 5, why: 'what CloudStack gives a command it has no word for' };
  }
  return { seconds: 3, why: 'the default of a custom action' };
}
