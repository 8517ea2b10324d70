import { type Answer, json, type Refused, refuse } from './answers.ts';
import { allocate, isVisible, list, type World } from './collection.ts';
import { type Parameters, readForm, readQuery } from './form.ts';
import type { Serve } from './gate.ts';
import { show } from './machine.ts';
import type { createDoorkeeper, FakeUser } from './oauth.ts';
import { kernelsOf, operations, queryPower, update } from './operations.ts';

/** Which request is for which handler. */
export function createRouter(
  world: World,
  mayEnter: ReturnType<typeof createDoorkeeper>,
  version: string,
): Serve {
  return async ({ method, path, query: search, op, body }, headers) => {
    if (path.startsWith('!') || !path.endsWith('/')) throw unknownEndpoint(path);
    const query = readQuery(search);
    const form = readForm(headers['content-type'], body);
    if (method === 'GET' && path === '/version/') {
      return json({ version, subversion: '', capabilities: ['networks-management'] });
    }
    const user = mayEnter(headers['authorization']);
    if ('status' in user) throw refuse(user.status, user.body);
    const what = { world, user, query, form, op: op || (form.one('op') ?? '') };
    const isForm = /^(application\/x-www-form-urlencoded|multipart\/form-data)/.test(
      headers['content-type'] ?? '',
    );
    if (path === '/machines/') return collection(method, { ...what, isForm });
    const id = /^\/machines\/([^/]+)\/$/.exec(path)?.[1];
    if (id !== undefined) return one(method, decodeURIComponent(id), what);
    return others(method, path, what);
  };
}

interface What {
  readonly world: World;
  readonly user: FakeUser;
  readonly query: Parameters;
  readonly form: Parameters;
  readonly op: string;
}

function collection(
  method: string,
  { world, user, query, form, op, isForm }: What & { isForm: boolean },
): Answer {
  if (method === 'GET' && op === '') return list(world, user, query);
  if (method === 'POST' && op === 'allocate') return allocate(world, user, form, isForm);
  throw unrecognised(method, op);
}

async function one(method: string, id: string, { world, user, form, op }: What): Promise<Answer> {
  const machine = world.machines.get(id);
  if (machine === undefined) throw refuse(404, 'No Machine matches the given query.');
  if (!isVisible(machine, user)) throw refuse(403, '');
  const call = { world, user, machine, form };
  if (method === 'GET' && op === '') return json(show(machine));
  if (method === 'GET' && op === 'query_power_state') return queryPower(call);
  if (method === 'PUT' && op === '') return update(call);
  const operation = method === 'POST' && Object.hasOwn(operations, op) ? operations[op] : undefined;
  if (operation === undefined) throw unrecognised(method, op);
  return operation(call);
}

const levels = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

function others(method: string, path: string, { world, user, query, op }: What): Answer {
  if (method !== 'GET') throw unrecognised(method, op);
  if (path === '/users/' && op === 'whoami') {
    return json({ username: user.name, email: '', is_superuser: user.admin, is_local: true });
  }
  if (path === '/events/' && op === 'query') return events(world, user, query);
  if (path === '/boot-resources/') {
    return json(bootResources(world));
  }
  if (path === '/fabrics/') {
    return json([
      { id: 0, name: 'fabric-0', vlans: [{ id: 1, vid: 0, name: 'untagged', dhcp_on: true }] },
    ]);
  }
  if (path === '/boot-sources/') {
    if (!user.admin) throw refuse(403, '');
    return json([{ id: 1, url: 'http://images.maas.io/ephemeral-v3/stable/' }]);
  }
  throw unknownEndpoint(path);
}

/** A synchronised series has one resource for each of its kernels, an image of another system one. */
function bootResources({ series }: World): readonly unknown[] {
  const rows = [...series].flatMap((name) => {
    const kernels = kernelsOf(name);
    return (kernels.length === 0 ? ['generic'] : kernels).map((kernel) => ({ name, kernel }));
  });
  return rows.map(({ name, kernel }, id) => ({
    ...{ id, name, architecture: `amd64/${kernel}`, type: 'Synced', subarches: 'generic' },
  }));
}

function events(world: World, user: FakeUser, query: Parameters): Answer {
  const level = query.one('level') ?? 'INFO';
  if (!levels.includes(level)) throw refuse(400, `Unrecognised log level: ${level}`);
  const limit = Number(query.one('limit') ?? 100);
  if (limit > 1000)
    throw refuse(400, `Requested number of events ${limit} is greater than limit: 1000`);
  const ids = query.all('id');
  const found = [...world.machines.values()]
    .filter((machine) => isVisible(machine, user))
    .filter(({ systemId }) => ids.length === 0 || ids.includes(systemId))
    .flatMap(({ events: all, systemId, hostname }) =>
      all.map((event) => ({ node: systemId, hostname, username: '', ...event })),
    )
    .filter((event) => levels.indexOf(event.level) >= levels.indexOf(level))
    .sort((a, b) => b.id - a.id)
    .slice(0, limit);
  return json({ count: found.length, events: found, next_uri: null, prev_uri: null });
}

function unknownEndpoint(path: string): Refused {
  return refuse(404, `Unknown API endpoint: ${path}.`);
}

function unrecognised(method: string, op: string): Refused {
  return refuse(400, `Unrecognised signature: method=${method} op=${op || 'None'}`);
}
