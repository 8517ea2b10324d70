import { type Action, type Actions, everyone } from '../contract/action.ts';
import type { Provider } from '../contract/provider.ts';

/** Gives the reasons that CloudStack's user interface leaves out; asks no remote system. */
const showErrors: Action = {
  about:
    'Shows the last failures of the instance with their reasons, which CloudStack itself does not show; the reference finds each in the log',
  succeeded: 'The last failures that this management server has seen',
  failed: 'The failures could not be read; please ask your administrator',
  effect: 'shows',
  parameters: {},
  timeoutSeconds: 20,
  roles: everyone,
};

/** The actions that the core itself serves, for every provider. */
export const ownActions: Actions = { ShowErrors: showErrors };

/** All custom actions of a provider's instances, as they are registered, documented and run. */
export function actionsOf({ actions }: Pick<Provider, 'actions'>): Actions {
  return { ...actions, ...ownActions };
}
