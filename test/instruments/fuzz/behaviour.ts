import fc from 'fast-check';
import type { Context } from '../../../src/contract/context.ts';
import { Failure, type FailureKind } from '../../../src/failure.ts';
import type { Members } from '../../cloudstack/ledger.ts';
import { hostileText } from './hostile.ts';
import { foreignWord } from './markers.ts';

/** The behaviour of the provider in a call; plain, so that a case can be kept in a file. */
export type Behaviour =
  | { readonly kind: 'fine' }
  /** Answers with these texts wherever it may answer with a text. */
  | { readonly kind: 'says'; readonly texts: readonly string[] }
  /** Lists that many instances, and these. */
  | { readonly kind: 'lists'; readonly many: number; readonly names: readonly string[] }
  /** Fails and repeats its secret, and names of others, in every place but the tenant's text. */
  | { readonly kind: 'fails'; readonly failure: FailureKind; readonly text: string }
  | { readonly kind: 'throws'; readonly odd: (typeof odd)[number] };

const odd = ['undefined', 'null', 'text', 'bare object', 'circle', 'hostile error'] as const;

const kinds: readonly FailureKind[] = [
  'usage',
  'config',
  'unsupported',
  'not-found',
  'conflict',
  'denied',
  'unreachable',
  'timeout',
  'upstream',
  'internal',
];

export function behaviours(): fc.Arbitrary<Behaviour> {
  const texts = fc.array(hostileText(), { minLength: 1, maxLength: 5 });
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: 'fine' } as const) },
    { weight: 2, arbitrary: texts.map((given) => ({ kind: 'says', texts: given }) as const) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(0, 1, 50, 1200, 2500, 4000),
          fc.array(hostileText(), { maxLength: 8 }),
        )
        .map(([many, names]) => ({ kind: 'lists', many, names }) as const),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom(...kinds), hostileText())
        .map(([failure, text]) => ({ kind: 'fails', failure, text }) as const),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...odd).map((one) => ({ kind: 'throws', odd: one }) as const),
    },
  );
}

/** The ledger's members that behave so; `overheard` is what the payload made it know. */
export function membersOf(behaviour: Behaviour, overheard: () => readonly string[]): Members {
  const all = (member: (...given: never[]) => Promise<unknown>): Members =>
    ({
      prepare: member,
      create: member,
      start: member,
      stop: member,
      reboot: member,
      delete: member,
      power: member,
      powers: member,
      console: member,
      run: { Look: member, Wipe: member, delete: member },
    }) as unknown as Members;
  switch (behaviour.kind) {
    case 'fine':
      return {};
    case 'says':
      return answering([...behaviour.texts, ...overheard()].join(' '), behaviour.texts);
    case 'lists':
      return { powers: async () => powersOf(behaviour) };
    case 'fails':
      return {
        ...all(async () => {
          throw failureOf(behaviour, overheard());
        }),
        opening: ({ log }: Context) => log('opening', { told: overheard(), why: behaviour.text }),
      };
    case 'throws':
      return all(async () => {
        throw oddity(behaviour.odd);
      });
  }
}

export function powersOf({
  many,
  names,
}: Extract<Behaviour, { kind: 'lists' }>): ReadonlyMap<string, 'on' | 'off'> {
  const generated = new Array(many).fill(0).map((_, at) => `i-2-${at}-VM`);
  return new Map([...generated, ...names].map((name, at) => [name, at % 3 === 0 ? 'off' : 'on']));
}

function answering(said: string, texts: readonly string[]): Members {
  const [key = 'x', value = 'y'] = texts;
  const outcome = async () => ({
    message: said,
    rows: texts.map((text) => ({ [key]: text, said })),
  });
  return {
    prepare: async () => ({ details: { [key]: value } }),
    run: { Look: outcome, Wipe: outcome, delete: async () => ({ message: said }) } as never,
  };
}

function failureOf(
  { failure, text }: Extract<Behaviour, { kind: 'fails' }>,
  overheard: readonly string[],
): Failure {
  const told = `${text} ${foreignWord}-node7 ${overheard.join(' ')}`;
  return new Failure(failure, told, {
    advice: `Ask ${told}`,
    facts: { told, deep: { list: [told], password: told }, code: 5 },
    cause: new Error(told, { cause: told }),
  });
}

function oddity(which: (typeof odd)[number]): unknown {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  switch (which) {
    case 'undefined':
      return undefined;
    case 'null':
      return null;
    case 'text':
      return `${foreignWord} broke`;
    case 'bare object':
      return Object.create(null);
    case 'circle':
      return Object.assign(new Error(foreignWord), { cause: circle });
    case 'hostile error':
      return new Proxy(new Error('x'), {
        get() {
          throw new Error(`${foreignWord} again`);
        },
      });
  }
}
