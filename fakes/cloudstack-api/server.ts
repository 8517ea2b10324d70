import { randomUUID } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyName } from '../http/keys.ts';
import { type FakeServer, type Seen, startServer } from '../http/server.ts';
import {
  addCustomAction,
  deleteCustomAction,
  listCustomActions,
  updateCustomAction,
} from './actions.ts';
import {
  createExtension,
  deleteExtension,
  listExtensions,
  registerExtension,
  unregisterExtension,
  updateExtension,
  updateRegisteredExtension,
} from './extensions.ts';
import { genuine, hasCome } from './genuine/index.ts';
import {
  addCluster,
  addHost,
  fits,
  listClusters,
  listHosts,
  updateCluster,
  updateHost,
} from './infrastructure.ts';
import {
  createNetworkOffering,
  listNetworkOfferings,
  listNetworkServiceProviders,
  listNetworks,
  listPhysicalNetworks,
  registerWithNetwork,
  unregisterFromNetwork,
  updateNetworkOffering,
  updateRegisteredWithNetwork,
} from './networks.ts';
import { checkParameters, type FakeRelease, unknownCommand, type Values } from './parameters.ts';
import { isRefusal, type Refusal, wrong } from './refusal.ts';
import { isSigned, readForm } from './signature.ts';
import { createState, type FakeState } from './state.ts';
import { listImageStores, listTemplates, registerTemplate, updateTemplate } from './templates.ts';

const keys = { apiKey: 'key+of/an=admin', secretKey: 'secret of an admin ~*' };

/** CloudStack's API: its parameters, answers and refusals are those of a genuine 4.23. */
export interface FakeCloudStack {
  readonly state: FakeState;
  readonly url: string;
  /** A file for --credentials that fits, with changes. */
  credentials(changes?: Readonly<Record<string, string | undefined>>): string;
  /** The calls that changed something, or tried to, with their parameters. */
  readonly changes: readonly (readonly [string, Values])[];
  /** Every command that was asked for. */
  readonly commands: readonly string[];
  /** Moves the server's clock. */
  setClock(skewMs: number): void;
  readonly server: FakeServer;
}

type Answer = (state: FakeState, form: Values) => object;

/** Before 4.23 there is one kind of resource. */
function isForNetwork({ release }: FakeState, form: Values): boolean {
  return form.get('resourcetype') === 'PhysicalNetwork' && hasCome('4.23', release);
}

const calls: Readonly<Record<string, Answer>> = {
  ...{ createExtension, updateExtension, listExtensions, deleteExtension },
  unregisterExtension: (state, form) =>
    isForNetwork(state, form)
      ? unregisterFromNetwork(state, form)
      : unregisterExtension(state, form),
  registerExtension: (state, form) =>
    isForNetwork(state, form) ? registerWithNetwork(state, form) : registerExtension(state, form),
  updateRegisteredExtension: (state, form) =>
    isForNetwork(state, form)
      ? updateRegisteredWithNetwork(state, form)
      : updateRegisteredExtension(state, form),
  ...{ listNetworks, listNetworkServiceProviders },
  ...{ listPhysicalNetworks, listNetworkOfferings, createNetworkOffering, updateNetworkOffering },
  ...{ addCustomAction, updateCustomAction, listCustomActions, deleteCustomAction },
  ...{ listClusters, addCluster, updateCluster, listHosts, addHost, updateHost },
  ...{ listTemplates, registerTemplate, updateTemplate, listImageStores },
  listCapabilities: ({ release }) => ({
    capability: { ...genuine.capability, cloudstackversion: release },
  }),
  listZones: ({ zones }, form) => ({
    zone: zones
      .map(({ id, name }) => ({ ...genuine.zone, id, name }))
      .filter((each) => fits(each, form, ['id', 'name'])),
  }),
  listPods: ({ zones }, form) => ({
    pod: zones
      .flatMap((zone) =>
        zone.pods.map((pod) => ({
          ...{ ...genuine.pod, ...pod, zoneid: zone.id, zonename: zone.name },
        })),
      )
      .filter((each) => fits(each, form, ['id', 'name', 'zoneid'])),
  }),
  listOsTypes: () => ({ ostype: [genuine.ostype] }),
  listVirtualMachines: ({ machines, projectMachines }, form) => ({
    virtualmachine: form.get('projectid') === '-1' ? projectMachines : machines,
  }),
};

export async function startCloudStack(
  owner: { after(close: () => void | Promise<void>): void },
  release: FakeRelease = '4.22.0.0',
  key: KeyName = 'trusted',
): Promise<FakeCloudStack> {
  const state = createState(release);
  const jobs = new Map<string, { asked: number; result: object }>();
  const changes: (readonly [string, Values])[] = [];
  const commands: string[] = [];
  let skewMs = 0;

  const answer = (seen: Seen): { readonly status: number; readonly body: object } => {
    let command = 'error';
    try {
      const form = readForm(seen.body);
      authenticate(seen, form, Date.now() + skewMs);
      command = form.get('command') ?? '';
      commands.push(command);
      checkAllowed(command, state);
      checkParameters(command, form, release);
      if (!/^(list|query)/.test(command)) changes.push([command, form]);
      return { status: 200, body: { [`${command.toLowerCase()}response`]: work(command, form) } };
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      const { code, envelope = `${command.toLowerCase()}response` } = thrown;
      return { status: code, body: { [envelope]: inWords(thrown) } };
    }
  };

  const work = (command: string, form: Values): object => {
    if (command === 'queryAsyncJobResult') return jobResult(form.get('jobid') ?? '');
    let result: object;
    try {
      const call = calls[command];
      if (call === undefined) throw wrong(`The fake has no ${command}`);
      result = paged(call(state, form), form, state);
    } catch (thrown) {
      if (!state.slow.has(command) || !isRefusal(thrown)) throw thrown;
      result = inWords(thrown);
    }
    if (!state.slow.has(command)) return result;
    const jobid = randomUUID();
    jobs.set(jobid, { asked: 0, result });
    return { jobid };
  };

  const jobResult = (jobid: string): object => {
    const job = jobs.get(jobid);
    if (job === undefined) throw wrong('Unable to find a job');
    job.asked += 1;
    if (job.asked < 3) return { jobid, jobstatus: 0 };
    const jobstatus = 'errorcode' in job.result ? 2 : 1;
    return { jobid, jobstatus, jobresult: job.result };
  };

  const server = await startServer(
    (seen, response) => {
      const { status, body } = answer(seen);
      response.setHeader('date', new Date(Date.now() + skewMs).toUTCString());
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    },
    { key },
  );
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'outrigger-cloudstack-'));
  owner.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    ...{ state, changes, commands, server },
    url: `${server.url}/client/api`,
    setClock(ms) {
      skewMs = ms;
    },
    credentials(more = {}) {
      const file = join(folder, `credentials-${randomUUID()}.json`);
      const content = {
        url: `${server.url}/client/api`,
        ...{ api_key: keys.apiKey, secret_key: keys.secretKey },
        ca_file: join(process.cwd(), 'fakes/http/keys/authority.pem'),
        ...more,
      };
      writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
      return file;
    },
  };
}

/** The secret that must never be seen anywhere. */
export const secretKey = keys.secretKey;

function authenticate({ method, target }: Seen, form: Values, nowMs: number): void {
  const refuse = unknownCommand;
  if (target !== '/client/api') throw { code: 404, text: `nothing at ${target}` };
  // A call that changes something has to be posted, and keys do not belong into access logs.
  if (method !== 'POST') throw { code: 405, text: `${method} is not allowed` };
  if (form.get('apikey') !== keys.apiKey) throw refuse();
  if (form.get('signatureversion') !== '3') throw refuse();
  const expires = form.get('expires') ?? '';
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$/.test(expires)) throw refuse();
  if (Date.parse(expires.replace(/(\d\d)(\d\d)$/, '$1:$2')) < nowMs) throw refuse();
  if (!isSigned(form, keys.secretKey)) throw refuse();
  if (form.get('response') !== 'json') throw wrong('only JSON is spoken here');
}

/** Roles and rules of keys refuse a command before its parameters are looked at. */
function checkAllowed(command: string, { forbidden, account }: FakeState): void {
  if (!forbidden.has(command)) return;
  throw {
    ...{ code: 432, cs: 9999, envelope: 'errorresponse' },
    text: `The API [${command}] does not exist or is not available for the account ${account}.`,
  } satisfies Refusal;
}

function inWords({ code, text, cs }: Refusal): object {
  return { uuidList: [], errorcode: code, cserrorcode: cs, errortext: text };
}

function paged(body: object, form: Values, { largestPage }: FakeState): object {
  const [name, entries] = Object.entries(body)[0] ?? [];
  if (name === undefined || !Array.isArray(entries) || 'count' in body) return body;
  const size = Number(form.get('pagesize') ?? largestPage);
  if (size > largestPage) {
    throw wrong(`Page size can't exceed max allowed page size value: ${largestPage}`);
  }
  const start = (Number(form.get('page') ?? 1) - 1) * size;
  const page = (entries as unknown[]).slice(start, start + size);
  // An empty list is left out altogether.
  return page.length === 0 ? {} : { count: entries.length, [name]: page };
}
