import { Failure } from '../failure.ts';
import { deadlineIn } from '../kit/deadline.ts';
import { apiHelp, apiOptions, demandAccess, readAccess } from './api/access.ts';
import { createApi } from './api/client.ts';
import { releaseOf } from './api/release.ts';
import type { Command, CommandCall } from './command.ts';
import { type Actual, nothingKnown, readActual } from './register/actual.ts';
import { carryOut, show } from './register/carry-out.ts';
import { check } from './register/check.ts';
import { secretKeys } from './register/details.ts';
import { printCommands } from './register/print.ts';
import { planRemoval } from './register/remove.ts';
import { readWanted, type Wanted } from './register/wanted.ts';
import { idsFor, planFor } from './register/whole-plan.ts';

const timeoutSeconds = 600;

export const register: Command = {
  usage: '[name]',
  options: {
    provider: { type: 'string', value: 'NAME', about: 'Which provider it is for' },
    path: { type: 'string', value: 'DIR/FILE', about: 'Its file; default: DIRECTORY/outrigger' },
    detail: { type: 'string', value: 'K=V', multiple: true, about: 'A detail of the extension' },
    secret: { type: 'string', value: 'K=FILE', multiple: true, about: 'A detail from a file' },
    cluster: { type: 'string', value: 'NAME', multiple: true, about: 'A cluster it serves' },
    network: {
      type: 'string',
      value: 'NAME',
      about: 'A physical network: registers a network extension (4.23)',
    },
    offering: {
      ...{ type: 'string', value: 'KIND', multiple: true },
      about: 'With --network: make L2 (default), Shared or Isolated',
    },
    'make-networks': { type: 'boolean', about: 'With --network: it makes networks, too' },
    init: { type: 'string', value: 'PROVIDER', about: 'Print a setup file to begin with' },
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

  outrigger register "Proxmox Lab" --init proxmox --detail node=pve1 > zone.json
  outrigger register "Proxmox Lab" --provider proxmox --cluster pve --plan
  outrigger register --setup zone.json --credentials ~/cloud.json
  outrigger register Sim --provider simulator --print
  outrigger register "Lab Net" --provider proxmox --network guests --secret token=FILE
  outrigger register "Proxmox Lab" --check`,
  run(call) {
    const provider = call.text('init');
    if (provider !== undefined) return begin(call, provider);
    if (call.flag('check')) return check(call);
    if (call.text('network') !== undefined && !call.flag('remove')) return forNetwork(call);
    return call.flag('remove') ? remove(call) : establish(call);
  },
};

async function begin(call: CommandCall, provider: string): Promise<number> {
  return (await import('./register/init/init.ts')).init(call, provider);
}

async function forNetwork(call: CommandCall): Promise<number> {
  return (await import('./register/network/establish.ts')).establishNetwork(call);
}

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
