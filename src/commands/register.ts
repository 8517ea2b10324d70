import { Failure } from '../failure.ts';
import { deadlineIn } from '../kit/deadline.ts';
import { apiHelp, apiOptions, demandAccess, readAccess } from './api/access.ts';
import { type Api, createApi } from './api/client.ts';
import { releaseOf } from './api/release.ts';
import type { Command, CommandCall } from './command.ts';
import { type Actual, nothingKnown, readActual } from './register/actual.ts';
import { check, type Readiness, readReadiness } from './register/check.ts';
import { secretKeys, shownForm } from './register/details.ts';
import { apply, describePlan, headline, type Plan } from './register/plan.ts';
import { printCommands } from './register/print.ts';
import { planRemoval } from './register/remove.ts';
import { readWanted, type Wanted } from './register/wanted.ts';
import { idsFor, planFor } from './register/whole-plan.ts';
import { wrapped } from './table.ts';
import { paintFor, progressOf } from './terminal.ts';

const timeoutSeconds = 600;
const wouldChange = 3;

export const register: Command = {
  usage: '[name]',
  options: {
    provider: { type: 'string', value: 'NAME', about: 'Which provider it is for' },
    path: { type: 'string', value: 'DIR/FILE', about: 'Its file; default: DIRECTORY/outrigger' },
    detail: { type: 'string', value: 'K=V', multiple: true, about: 'A detail of the extension' },
    secret: { type: 'string', value: 'K=FILE', multiple: true, about: 'A detail from a file' },
    cluster: { type: 'string', value: 'NAME', multiple: true, about: 'A cluster it serves' },
    setup: { type: 'string', value: 'FILE', about: 'All of it, with hosts and templates, as JSON' },
    installation: { type: 'string', value: 'ID', about: 'The id of all marks, as it is to be' },
    prune: { type: 'boolean', about: 'Take away details and actions that the file lacks' },
    plan: { type: 'boolean', about: 'Only show what would change' },
    print: { type: 'boolean', about: 'Print the commands for cmk instead of making the calls' },
    cloudstack: { type: 'string', value: 'VERSION', about: 'For --print without access; 4.22' },
    check: { type: 'boolean', about: 'Only compare path and readiness with the installed file' },
    remove: { type: 'boolean', about: 'Take the extension out of CloudStack again' },
    ...apiOptions,
  },
  positionals: { min: 0, max: 1 },
  exitCodes: {
    0: 'CloudStack is as wanted',
    1: 'a call failed, or the extension is not ready',
    2: 'wrong usage; nothing was changed',
    3: '--plan: something would change; --check: CloudStack does not call the file',
  },
  more: `
Makes CloudStack match: the extension with its details, every custom action with parameters,
roles and a time-out that fits, and the registration with clusters. Running it again changes
only what has drifted; what others added stays without --prune. Install the file first (install.sh).
${apiHelp}

  outrigger register "Proxmox Lab" --provider proxmox --cluster pve --plan
  outrigger register --setup zone.json --credentials ~/cloud.json
  outrigger register Sim --provider simulator --print
  outrigger register "Proxmox Lab" --check`,
  run(call) {
    if (call.flag('check')) return check(call);
    return call.flag('remove') ? remove(call) : establish(call);
  },
};

async function establish(call: CommandCall): Promise<number> {
  if (call.flag('print') && call.flag('plan')) {
    throw new Failure('usage', '--plan does not go with --print, which makes no changes either');
  }
  const wanted = await readWanted(call);
  const access = call.flag('print') ? readAccess(call) : demandAccess(call);
  const release = releaseOf(call.text('cloudstack') ?? '4.22');
  if (access === undefined) return print(call, wanted, nothingKnown(release));
  const api = createApi(access, deadlineIn(timeoutSeconds));
  try {
    const actual = await readActual(api, wanted);
    if (call.flag('print')) return print(call, wanted, actual);
    const plan = planFor(wanted, actual, call.world);
    const secrets = secretKeys(wanted.provider.settings);
    if (call.flag('plan')) return show(call, plan, secrets);
    return await carryOut(call, api, plan, {
      secrets,
      known: idsFor(wanted, actual),
      again: async () => planFor(wanted, await readActual(api, wanted), call.world),
    });
  } finally {
    api.close();
  }
}

async function remove(call: CommandCall): Promise<number> {
  const [name] = call.positionals;
  if (name === undefined) throw new Failure('usage', '--remove needs the name of the extension');
  if (call.flag('print')) throw new Failure('usage', '--remove does not go with --print');
  const api = createApi(demandAccess(call), deadlineIn(timeoutSeconds));
  try {
    const plan = await planRemoval(api, name);
    if (call.flag('plan')) return show(call, plan);
    return await carryOut(call, api, plan, { known: new Map() });
  } finally {
    api.close();
  }
}

function print({ world }: CommandCall, wanted: Wanted, actual: Actual): number {
  const secrets = secretKeys(wanted.provider.settings);
  const plan = planFor(wanted, actual, world);
  const lines = printCommands(plan, idsFor(wanted, actual), wanted, secrets);
  for (const line of lines) world.out(line);
  return 0;
}

function show({ json, world }: CommandCall, plan: Plan, secrets?: ReadonlySet<string>): number {
  if (json) world.out(JSON.stringify(asFacts(plan, secrets), undefined, 2));
  else for (const line of describePlan(plan, paintFor(world))) world.out(line);
  return plan.changes.length === 0 ? 0 : wouldChange;
}

function asFacts({ changes, remarks }: Plan, secrets: ReadonlySet<string> = new Set()) {
  const facts = changes.map((change) => {
    const { verb, subject, command, differences } = change;
    return { verb, subject, command, differences, parameters: shownForm(change, secrets) };
  });
  return { changes: facts, remarks };
}

interface Reading {
  readonly known: ReadonlyMap<string, string>;
  readonly secrets?: ReadonlySet<string>;
  /** Reads CloudStack again and plans the changes that are still needed. */
  readonly again?: () => Promise<Plan>;
}

async function carryOut(
  call: CommandCall,
  api: Api,
  plan: Plan,
  { known, again, secrets }: Reading,
): Promise<number> {
  const { world, json } = call;
  if (!json) for (const line of describePlan(plan, paintFor(world))) world.out(line);
  const tell = progressOf(call);
  let step = 0;
  const ids = await apply(api, plan.changes, known, (change) => {
    step += 1;
    tell(`${step}/${plan.changes.length} ${headline(change)}`);
  });
  if (again !== undefined && plan.changes.length > 0) refuseLoss((await again()).changes);
  const id = ids.get('extension');
  const readiness = id === undefined ? undefined : await readReadiness(api, id);
  if (json) world.out(JSON.stringify({ ...asFacts(plan, secrets), readiness }, undefined, 2));
  else for (const line of conclusion(plan, readiness)) world.out(line);
  return readiness === undefined || readiness.ready ? 0 : 1;
}

/** CloudStack cuts and drops values without a word: what was written is read again. */
function refuseLoss(left: Plan['changes']): void {
  if (left.length === 0) return;
  const words = left.map(({ subject, differences }) => {
    return `${subject} (${differences.map(({ what }) => what).join(', ')})`;
  });
  throw new Failure('upstream', `CloudStack has not kept what was written: ${words.join('; ')}`, {
    advice:
      'Look at it with --plan; a value may be too long for its place or may not be allowed there',
  });
}

function conclusion({ changes }: Plan, readiness: Readiness | undefined): string[] {
  return [
    ...(changes.length === 0 ? [] : ['', `Done: ${changes.length} changes.`]),
    ...(readiness === undefined ? [] : ['', ...wrapped(readiness.sentence, 90)]),
  ];
}
