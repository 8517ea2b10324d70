import { after } from 'node:test';
import { type FakeServer, startServer } from '../../fakes/http/server.ts';

/** A hypervisor that knows machines by name, and gives every state to a caller with any token. */
export async function startInventedHypervisor(): Promise<FakeServer> {
  const states = new Map<string, string>();
  const server = await startServer(({ target }, response) => {
    const [name = '', wanted = ''] = target.split('/').slice(-2);
    if (wanted === 'on' || wanted === 'off') states.set(name, `power${wanted}`);
    if (wanted === 'gone') states.delete(name);
    response.end(wanted === 'state' ? (states.get(name) ?? 'unknown') : '');
  });
  after(() => server.close());
  return server;
}
