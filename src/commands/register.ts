import { Failure } from '../failure.ts';
import { deadlineIn } from '../kit/deadline.ts';
import { apiHelp, apiOptions, demandAccess, readAccess } from './api/access.ts';
import { type Api, createApi } from './api/client.ts';
import { releaseOf } from './api/release.ts';
import type { Command, CommandCall } from './command.ts';
import { planActions } from './register/actions.ts';
import { type Actual, findCluster, nothingKnown, readActual } from './register/actual.ts';
import { check, type Readiness, readReadiness } from './register/check.ts';
import { planClusters } from './register/clusters.ts';
import { secretKeys } from './register/details.ts';
import { planExtension } from './register/extension.ts';
import { chooseInstallation, withIdentity } from './register/installation.ts';
import { apply, describePlan, headline, joined, type Plan } from './register/plan.ts';
import { printCommands } from './register/print.ts';
import { planOtherRegistrations } from './register/registrations.ts';
import { planRemoval } from './register/remove.ts';
import { planTemplates } from './register/templates.ts';
import { readWanted, type Wanted } from './register/wanted.ts';
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
only what has drifted; what others added stays. Install the file first (install.sh).
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
    const plan = planFor(wanted, actual);
    if (call.flag('plan')) return show(call, plan, wouldChange);
    return await carryOut(call, api, plan, idsFor(wanted, actual));
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
    if (call.flag('plan')) return show(call, plan, wouldChange);
    return await carryOut(call, api, plan, new Map());
  } finally {
    api.close();
  }
}

/** In the order in which the one needs the other. */
function planFor(given: Wanted, actual: Actual): Plan {
  const { id, remark } = chooseInstallation(given, actual);
  const wanted = withIdentity(given, id);
  return joined([
    { changes: [], remarks: [remark] },
    planExtension(wanted, actual),
    planActions(wanted, actual),
    ...planClusters(wanted, actual),
    planOtherRegistrations(wanted, actual),
    planTemplates(wanted, actual),
  ]);
}

function idsFor({ clusters }: Wanted, actual: Actual): ReadonlyMap<string, string> {
  const found = clusters.flatMap(({ name }) => {
    const id = findCluster(actual, name)?.['id'];
    return typeof id === 'string' ? [[`cluster:${name}`, id] as const] : [];
  });
  return new Map([...actual.ids, ...found]);
}

function print({ world }: CommandCall, wanted: Wanted, actual: Actual): number {
  const secrets = secretKeys(wanted.provider.settings);
  const plan = planFor(wanted, actual);
  const lines = printCommands(plan, idsFor(wanted, actual), wanted.name, secrets);
  for (const line of lines) world.out(line);
  return 0;
}

function show({ json, world }: CommandCall, plan: Plan, code: number): number {
  if (json) world.out(JSON.stringify(asFacts(plan), undefined, 2));
  else for (const line of describePlan(plan, paintFor(world))) world.out(line);
  return plan.changes.length === 0 ? 0 : code;
}

function asFacts({ changes, remarks }: Plan) {
  const facts = changes.map(({ verb, subject, command, differences }) => {
    return { verb, subject, command, differences };
  });
  return { changes: facts, remarks };
}

async function carryOut(
  call: CommandCall,
  api: Api,
  plan: Plan,
  known: ReadonlyMap<string, string>,
): Promise<number> {
  const { world, json } = call;
  if (!json) for (const line of describePlan(plan, paintFor(world))) world.out(line);
  const tell = progressOf(call);
  let step = 0;
  const ids = await apply(api, plan.changes, known, (change) => {
    step += 1;
    tell(`${step}/${plan.changes.length} ${headline(change)}`);
  });
  const id = ids.get('extension');
  const readiness = id === undefined ? undefined : await readReadiness(api, id);
  if (json) world.out(JSON.stringify({ ...asFacts(plan), readiness }, undefined, 2));
  else for (const line of conclusion(plan, readiness)) world.out(line);
  return readiness === undefined || readiness.ready ? 0 : 1;
}

function conclusion({ changes }: Plan, readiness: Readiness | undefined): string[] {
  return [
    ...(changes.length === 0 ? [] : ['', `Done: ${changes.length} changes.`]),
    ...(readiness === undefined ? [] : ['', ...wrapped(readiness.sentence, 90)]),
  ];
}
