import { adminOnly, everyone, type Outcome } from '../../src/contract/action.ts';
import type { Context } from '../../src/contract/context.ts';
import { defineProvider, type Provider } from '../../src/contract/provider.ts';
import { Failure } from '../../src/failure.ts';
import { list, patterns, text, wholeNumber, yesNo } from '../../src/kit/fields.ts';
import type { AnyRun } from '../../src/lifecycle/actions.ts';
import type { Verbs } from '../../src/lifecycle/index.ts';
import { standIn } from '../support/stand-in.ts';

/** One call of a session, with its arguments. */
export interface Entry {
  readonly member: string;
  readonly given: readonly unknown[];
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Lets a test take the place of any member of the session. */
export interface Members extends Partial<Omit<Verbs, 'run'>> {
  readonly run?: Readonly<Record<string, (call: AnyRun) => Promise<Outcome>>>;
  readonly opening?: (context: Context) => void;
}

/** A provider that records the calls of the dispatcher and answers as the test tells it. */
export function ledger(members: Members = {}): { provider: Provider; entries: Entry[] } {
  const entries: Entry[] = [];
  const provider = defineProvider({
    name: 'ledger',
    title: 'The Ledger',
    about: 'Records its calls',
    settings: {
      url: { about: 'Where it is', schema: text(), required: true, also: ['address'] },
      secret: { about: 'The key to it', schema: text(), secret: true },
      ca_file: { about: 'The authority to trust', schema: text({ most: 10_000 }), file: true },
      grace_seconds: {
        about: 'Patience',
        schema: wholeNumber({ max: 60 }),
        default: '30',
        unit: 's',
      },
      nodes: { about: 'Nodes', schema: list() },
      allowed_templates: { about: 'Allowed', schema: patterns },
      max_disk_gb: { about: 'Most', schema: wholeNumber() },
      max_note: { about: 'Longest', schema: wholeNumber() },
      verify: { about: 'Whether to verify', schema: yesNo, default: 'true' },
    },
    blueprint: {
      template_id: {
        about: 'Template',
        schema: text(),
        required: true,
        within: 'allowed_templates',
      },
      disk_size_gb: { about: 'Size', schema: wholeNumber(), within: 'max_disk_gb' },
      note: { about: 'A text', schema: text(), within: 'max_note' },
      is_full_clone: { about: 'Full', schema: yesNo, default: 'false' },
    },
    stored: { ledger_id: 'The id', proxmox_vmid: 'Another' },
    prepares: true,
    actions: {
      Look: {
        about: 'Looks',
        parameters: {
          depth: {
            type: 'NUMBER',
            about: 'How deep',
            schema: wholeNumber({ max: 9 }),
            default: '1',
          },
          word: { type: 'STRING', about: 'The word to look for', schema: text(), also: ['term'] },
          sure: { type: 'BOOLEAN', about: 'Really', schema: yesNo },
        },
        policy: { vendor: { about: 'The vendor', schema: text() } },
        timeoutSeconds: 60,
        roles: everyone,
      },
      Wipe: {
        about: 'Wipes',
        parameters: {},
        timeoutSeconds: 600,
        roles: adminOnly,
        destroysData: true,
        usesBlueprint: true,
      },
      delete: {
        about: 'A name like a built-in one',
        parameters: {},
        timeoutSeconds: 9,
        roles: everyone,
      },
    },
    settingsIssues: ({ url, grace_seconds }) =>
      url === 'paper' && Number(grace_seconds) > 0 ? ['"url" and "grace_seconds" contradict'] : [],
    connect: standIn((settings, context) => {
      members.opening?.(context);
      const record =
        <Given extends unknown[], Result>(
          member: string,
          serve: (...given: Given) => Promise<Result>,
        ) =>
        async (...given: Given): Promise<Result> => {
          entries.push({ member, given, settings });
          return serve(...given);
        };
      const nothing = async (): Promise<void> => {};
      const vnc = { kind: 'vnc', host: 'ledger.test', port: 5901 } as const;
      const handlers: NonNullable<Members['run']> = {
        Look: record('Look', async () => ({ message: 'Looked' })),
        Wipe: record('Wipe', async () => ({ message: 'Wiped' })),
        delete: record('custom delete', async () => ({ message: 'Custom' })),
        ...members.run,
      };
      return {
        prepare: record('prepare', members.prepare ?? (async () => ({}))),
        create: record('create', members.create ?? nothing),
        start: record('start', members.start ?? nothing),
        stop: record('stop', members.stop ?? nothing),
        reboot: record('reboot', members.reboot ?? nothing),
        delete: record('delete', members.delete ?? nothing),
        power: record('power', members.power ?? (async () => 'on' as const)),
        powers: record('powers', members.powers ?? (async () => new Map())),
        console: record('console', members.console ?? (async () => vnc)),
        machines: record('machines', members.machines ?? (async () => [])),
        adopt: record('adopt', members.adopt ?? nothing),
        planAdoption: record('planAdoption', members.planAdoption ?? nothing),
        run: async (name, call) => {
          const handler = handlers[name];
          if (handler === undefined) throw new Error(`the ledger has no handler for ${name}`);
          return handler(call);
        },
      };
    }),
  });
  return { provider, entries };
}

export const refused = new Failure('upstream', 'Cannot reach node n7 of customer Zed: paper jam', {
  advice: 'Look into tray 2',
  facts: { owner: 'Zed' },
});
