import { isMembers } from '../json.ts';
import type { Conclusion } from './conclude.ts';
import type { Raw } from './raw.ts';

/*
 * CloudStack 4.23's conclusions from a command of a network extension. It waits for ever, and logs all
 * output in full.
 */

/** The conclusion, with the text that CloudStack stores and hands back from now on. */
export interface NetworkConclusion extends Conclusion {
  readonly stored?: string;
  readonly broadcast?: { readonly uri: string; readonly type: string };
}

/** CloudStack's column; it cuts a longer text without a word. */
const mostStored = 1024;
const types =
  /^(native|vlan|vswitch|linklocal|vnet|storage|lswitch|mido|pvlan|vxlan|vcs|undecided|opendaylight|tungsten|nsx|netris)$/i;

export function concludeNetwork(command: string, raw: Raw): NetworkConclusion {
  const failed = failureOf(raw);
  if (failed !== undefined) {
    const shown = 'Nothing of this text: it goes into the log of the management server';
    return { action: command, success: false, verdict: `Failure: ${failed}`, shown, doubts: [] };
  }
  return { action: command, success: true, shown: '', ...success(command, raw.text) };
}

function success(command: string, text: string) {
  if (command === 'ensure-network-device') return ensured(text);
  if (command === 'implement-network') return implemented(text);
  if (command === 'custom-action') {
    return { verdict: 'Success; the whole output is the result', shown: text, doubts: [] };
  }
  const verdict = 'Success by exit code 0; nothing of the output is kept';
  return { verdict, doubts: text === '' || isOneObject(text) ? [] : [notOneDocument] };
}

const notOneDocument =
  'The output is not one JSON document: a "status" in it would not be seen, and exit code 0 decides';

/** Exit code, and a `status` other than success in output that is one JSON object. */
function failureOf({ succeeded, text }: Raw): string | undefined {
  if (!succeeded) return text;
  const status = isOneObject(text) ? JSON.parse(text)['status'] : undefined;
  if (status === undefined || status === null || status === '') return undefined;
  return String(status).toLowerCase() === 'success' ? undefined : `"status" is ${String(status)}`;
}

function ensured(text: string) {
  if (text === '') return { verdict: 'Success; the stored details stay as they are', doubts: [] };
  const cut = text.slice(0, mostStored);
  const kills = 'every later command of this network fails before it is started, for good';
  const doubts = isOneObject(cut)
    ? []
    : [
        text.length > mostStored && isOneObject(text)
          ? `It is cut at ${mostStored} characters and no JSON then: ${kills}`
          : `It is stored although it is not one JSON object: ${kills}`,
      ];
  return { verdict: `Success; ${cut.length} characters are stored`, stored: cut, doubts };
}

function implemented(text: string) {
  const found: Record<string, unknown> = isOneObject(text) ? JSON.parse(text) : {};
  const nested = isMembers(found['network']) ? found['network'] : {};
  const read = (key: string): string => String(found[`network.${key}`] ?? nested[key] ?? '');
  const uri = read('broadcast_uri');
  const type = read('broadcast_domain_type');
  if (uri === '') {
    const verdict = 'Success without a URI: the network keeps the one that it has';
    return { verdict, doubts: [] };
  }
  const doubts = uriDoubts(uri, type);
  return {
    verdict: `Success; every NIC of the network gets ${uri}`,
    ...(doubts.length === 0 ? { broadcast: { uri, type } } : {}),
    doubts,
  };
}

function uriDoubts(uri: string, type: string): string[] {
  const [, host = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri) ?? [];
  return [
    ...(/\s/.test(uri) || !/^[a-z][a-z0-9+.-]*:/i.test(uri)
      ? [`CloudStack drops the URI ${uri}, and the start dies of it afterwards`]
      : []),
    ...(host.includes('_') ? [`"_" in ${host} leaves cloudstack.vlan out`] : []),
    ...(types.test(type) ? [] : [`The type ${type || '(none)'} is unknown and left as it was`]),
  ];
}

function isOneObject(text: string): boolean {
  try {
    return isMembers(JSON.parse(text));
  } catch {
    return false;
  }
}
