import { type Api, asText } from '../api/client.ts';

/** What CloudStack says about the extension in the end, and what that means. */
export interface Readiness {
  readonly ready: boolean;
  readonly state: string;
  readonly path: string;
  readonly sentence: string;
}

/** Asks once; CloudStack itself looks at the files every five minutes. */
export async function readReadiness(api: Api, id: string): Promise<Readiness> {
  const [extension = {}] = await api.list('listExtensions', { id });
  const state = asText(extension['state']);
  const path = asText(extension['path']);
  const ready = extension['pathready'] === true;
  return { ready, state, path, sentence: inWords(ready, state, path) };
}

function inWords(ready: boolean, state: string, path: string): string {
  if (state === 'Disabled') {
    return 'The extension is disabled: CloudStack will not call it before updateExtension state=Enabled.';
  }
  if (ready) {
    return `CloudStack finds ${path} ready. It compares the file on all servers every 5 minutes; \`install.sh --check\` does so now. Hosts that connected while it was not ready keep saying so until they reconnect.`;
  }
  return `CloudStack does not find ${path} ready: the file is missing, not executable, or differs between the management servers. \`install.sh --check\` says where. It looks again within 5 minutes; hosts that connected before that have to be reconnected (reconnectHost), or the management server restarted.`;
}
