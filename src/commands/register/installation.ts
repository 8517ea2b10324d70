import { randomBytes } from 'node:crypto';
import { Failure } from '../../failure.ts';
import { asText, asTexts, type Entry } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import { type Actual, registrationsOf } from './actual.ts';
import type { Wanted } from './wanted.ts';

const key = 'installation';

/** Where an extension keeps its installation: twice, since a change by hand replaces all details of a place. */
export interface Kept {
  readonly place: string;
  readonly id: string;
}

/** The installation in the details of the extension and of each of its registrations. */
export function keptBy(extension: Entry | undefined): readonly Kept[] {
  const own = asTexts(extension?.['details'])[key];
  const registered = registrationsOf(extension).map((each) => ({
    place: `the registration with ${asText(each['name'])}`,
    id: asTexts(each['details'])[key],
  }));
  return [{ place: 'the extension', id: own }, ...registered].filter(
    (each): each is Kept => (each.id ?? '') !== '',
  );
}

/** The installation that an extension is to have, and a sentence that tells where it is from. */
export interface Chosen {
  readonly id: string;
  readonly remark: string;
}

/**
 * The installation, once there is one: all machines are marked with it, so that another one would make them
 * invisible. One is generated for a new extension only; throws `conflict` where an operator has to say it.
 */
export function chooseInstallation(wanted: Wanted, actual: Actual): Chosen {
  const { extension } = actual;
  const kept = keptBy(extension);
  const given = wanted.installation ?? wanted.details[key];
  if (given !== undefined) return asGiven(given, kept);
  const [first] = kept;
  if (first !== undefined) {
    refuseTwo(wanted, kept);
    return chosen(first.id, `kept by ${kept.map(({ place }) => place).join(' and ')}`);
  }
  const other = actual.others.find((each) => keptBy(each).length > 0);
  const elsewhere = keptBy(other)[0]?.id;
  if (elsewhere !== undefined) {
    return chosen(elsewhere, `that of the extension ${asText(other?.['name'])} of this CloudStack`);
  }
  if (extension !== undefined) throw lost(wanted);
  return chosen(`cs-${randomBytes(6).toString('hex')}`, 'new, as the extension is');
}

function chosen(id: string, from: string): Chosen {
  return { id, remark: `All machines are marked with the installation ${id} (${from})` };
}

function asGiven(id: string, kept: readonly Kept[]): Chosen {
  const others = kept.filter((each) => each.id !== id);
  if (others.length === 0) return chosen(id, 'as given');
  const words = others.map((each) => `${each.place} has ${each.id}`).join(', ');
  const remark = `All machines are marked with the installation ${id} from now on, as given (${words}): machines with another one become invisible, so run \`outrigger audit\` afterwards`;
  return { id, remark };
}

function refuseTwo({ name }: Wanted, kept: readonly Kept[]): void {
  if (new Set(kept.map(({ id }) => id)).size === 1) return;
  const words = kept.map(({ place, id }) => `${place} has ${id}`).join(', ');
  throw new Failure('conflict', `The extension ${name} has more than one installation: ${words}`, {
    advice:
      'Give the one that its machines are marked with: --installation ID; `outrigger audit` names it',
  });
}

function lost({ name }: Wanted): Failure {
  return new Failure(
    'conflict',
    `The extension ${name} exists and has no installation, neither of its own nor at a cluster registration`,
    {
      advice:
        'If Outrigger has made machines for it, a change by hand has dropped the id: --installation ID puts it back, and `outrigger audit` names the id that the machines are marked with. If it never has, as when a built-in extension is taken over, choose one: letters and digits, such as --installation cs-1',
    },
  );
}

/** The details that Outrigger itself lives by, added everywhere that they are kept. */
export function withIdentity(wanted: Wanted, id: string): Wanted {
  const { provider, details, clusters } = wanted;
  const both: Texts = { provider: provider.name, [key]: id };
  return {
    ...wanted,
    details: { ...details, ...both },
    clusters: clusters.map((cluster) => ({
      ...cluster,
      details: { ...cluster.details, [key]: id },
    })),
  };
}
