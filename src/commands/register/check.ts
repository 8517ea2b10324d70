import { Failure } from '../../failure.ts';
import { deadlineIn } from '../../kit/deadline.ts';
import { demandAccess } from '../api/access.ts';
import { type Api, asText, createApi, type Entry } from '../api/client.ts';
import type { CommandCall } from '../command.ts';
import { wrapped } from '../table.ts';
import { isCalled } from './actual.ts';
import { isBuiltIn, replaceOption } from './built-in.ts';
import { directoryOf, isAt } from './names.ts';

/** Less than install.sh waits for it. */
const timeoutSeconds = 15;
const isWrong = 3;

/** `register --check`, which needs no provider; ends with the exit code. */
export async function check(call: CommandCall): Promise<number> {
  const { world, json, positionals } = call;
  const spare = ['plan', 'print', 'remove'].find((name) => call.flag(name));
  if (spare !== undefined) throw new Failure('usage', `--check does not go with --${spare}`);
  const path = installedPath(call);
  const api = createApi(demandAccess(call), deadlineIn(timeoutSeconds));
  try {
    const registration = await compare(api, positionals[0], path, call.text('path'));
    if (json) world.out(JSON.stringify(registration, undefined, 2));
    else for (const line of wrapped(registration.sentence, 90)) world.out(line);
    return registration.right ? 0 : isWrong;
  } finally {
    api.close();
  }
}

/** The registered path, compared with the file that is installed. */
interface Registration {
  /** CloudStack finds this very file ready, and its extension enabled. */
  readonly right: boolean;
  readonly extension?: string;
  /** Absolute, as CloudStack reports it. */
  readonly path?: string;
  readonly sentence: string;
}

/** The path of the installed file below CloudStack's extensions; throws `usage`. */
function installedPath({ positionals: [name], text }: CommandCall): string {
  const path = text('path') ?? 'outrigger';
  if (path.includes('/')) return path.replace(/^\//, '');
  if (name !== undefined) return `${directoryOf(name)}/${path}`;
  throw new Failure('usage', '--check needs the name of the extension, or --path DIR/FILE');
}

/** Compares; without a name, as for a built-in extension, the path alone finds the extension. */
async function compare(
  api: Api,
  name: string | undefined,
  path: string,
  given: string | undefined,
): Promise<Registration> {
  const all = await api.list('listExtensions');
  const found = all.find((each) =>
    name === undefined ? isAt(asText(each['path']), path) : isCalled(each, name),
  );
  if (found === undefined) {
    const what = name === undefined ? `whose file is ${path}` : `"${name}"`;
    const sentence = `CloudStack has no extension ${what}: register it, or uninstall the file.`;
    return { right: false, sentence };
  }
  const readiness = await readReadiness(api, asText(found['id']));
  const there = { extension: asText(found['name']), path: readiness.path };
  if (isBuiltIn(found) && !isAt(readiness.path, path)) return ofBuiltIn(found, readiness, given);
  if (isAt(readiness.path, path)) {
    const right = readiness.ready && readiness.state === 'Enabled';
    return { right, ...there, sentence: readiness.sentence };
  }
  const sentence = `CloudStack calls ${there.path} for the extension "${there.extension}", and not ${path}: install the file there, or remove and register the extension, whose path cannot be changed.`;
  return { right: false, ...there, sentence };
}

/** The path of a built-in extension is CloudStack's own: only the file there can be Outrigger's. */
function ofBuiltIn(found: Entry, readiness: Readiness, path: string | undefined): Registration {
  const there = { extension: asText(found['name']), path: readiness.path };
  const option = replaceOption(found);
  const calls = `${there.extension} is built into CloudStack, which calls ${there.path} for it`;
  if (path !== undefined) {
    const sentence = `${calls}, and not ${path}: \`install.sh ${option}\` puts Outrigger there, since the path cannot be changed.`;
    return { right: false, ...there, sentence };
  }
  const right = readiness.ready && readiness.state === 'Enabled';
  const sentence = `${calls}. Whether that file is Outrigger or CloudStack's own script, \`install.sh ${option} --check\` says. ${readiness.sentence}`;
  return { right, ...there, sentence };
}

/** The state of the extension in CloudStack, and a sentence that explains it. */
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
