import { knownWords } from '../../../cloudstack/details.ts';
import { Failure } from '../../../failure.ts';
import { deadlineIn } from '../../../kit/deadline.ts';
import { readAccess } from '../../api/access.ts';
import { asText, createApi } from '../../api/client.ts';
import type { CommandCall } from '../../command.ts';
import { learnHere } from '../../learn.ts';
import { loadProvider } from '../../load-provider.ts';
import { checkName } from '../names.ts';
import { keyAndValue, typedDetails } from '../typed.ts';
import { placeholdersIn } from './placeholders.ts';
import { skeleton } from './skeleton.ts';

const others = ['setup', 'plan', 'print', 'check', 'remove', 'prune', 'network', 'secret'];

/** Prints a setup file with the given details filled in, and says what the operator has still to choose. */
export async function init(call: CommandCall, word: string): Promise<number> {
  const { positionals, texts, flag, world } = call;
  const clash = others.find(flag);
  if (clash !== undefined) throw new Failure('usage', `--init does not go with --${clash}`);
  const [name] = positionals;
  if (name === undefined) throw new Failure('usage', '--init needs the name of the extension');
  checkName(name);
  const base = await loadProvider(word, world.registry);
  const plain = texts('detail').map((each) => keyAndValue('--detail', each));
  const level = { name: 'extension', details: Object.fromEntries(plain) } as const;
  const provider = await learnHere(base, [level], world);
  const all = { ...provider.blueprint, ...provider.settings };
  const given = typedDetails((option) => (option === 'detail' ? texts(option) : []), all);
  checkKnown(given, knownWords(all), provider.name);
  const text = skeleton({ name, provider, given, ...(await placesOf(call)) });
  world.out(text.trimEnd());
  world.err(nextStep(text));
  return 0;
}

function checkKnown(given: object, words: Iterable<string>, provider: string): void {
  const known = new Set(words);
  const unknown = Object.keys(given).find((key) => !known.has(key));
  if (unknown === undefined) return;
  throw new Failure('usage', `The provider ${provider} has no detail "${unknown}"`, {
    advice: `outrigger settings ${provider} lists them`,
  });
}

/** The zone and the pod, where access to CloudStack was given and there is one of each. */
async function placesOf(call: CommandCall): Promise<{ zone?: string; pod?: string }> {
  const access = readAccess(call);
  if (access === undefined) return {};
  const api = createApi(access, deadlineIn(60));
  try {
    const [zone, otherZone] = await api.list('listZones');
    if (zone === undefined || otherZone !== undefined) return {};
    const [pod, otherPod] = await api.list('listPods', { zoneid: asText(zone['id']) });
    const found = { zone: asText(zone['name']) };
    return pod === undefined || otherPod !== undefined
      ? found
      : { ...found, pod: asText(pod['name']) };
  } finally {
    api.close();
  }
}

function nextStep(text: string): string {
  const open = placeholdersIn(text);
  if (open.length === 0)
    return 'The file is complete. Next: outrigger register --setup FILE --plan';
  return `Replace ${open.join(', ')} in the file. Next: outrigger register --setup FILE --plan`;
}
