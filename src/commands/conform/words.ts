/** An action that no extension has. */
export const noSuchAction = 'outrigger-no-such-action';

/** A custom action that no extension has. */
export const noSuchCustomAction = 'Outrigger No Such Action';

/** What CloudStack makes of a command it has no word for. */
export const classCommand = 'com.cloud.agent.api.CheckVirtualMachineCommand';

/** Argument 3 of the create that is in a hurry: CloudStack's own default for custom actions. */
export const shortSeconds = 3;
