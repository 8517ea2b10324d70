import { type ApiError, apiError } from './errors.ts';
import type { Found } from './schema.ts';
import type { Node, State } from './state.ts';

const unreachable: Record<string, readonly [text: string, delayMs: number]> = {
  refused: ['Connection refused', 0],
  'no-route': ['No route to host', 3000],
  silent: ['Connection timed out', 30_000],
};

/** The node a method is to run on; one that cannot be reached answers in its stead. */
export async function place(state: State, served: Node, found: Found): Promise<Node> {
  const name = found.fromPath['node'];
  if (name === undefined || name === 'localhost') return served;
  const node = state.nodes.get(name);
  // vncproxy and the like are not handed on: their port opens where the call came in.
  if (!found.method.proxied) return node ?? served;
  if (node === undefined) throw noSuchHost(name);
  const unreached = node === served ? undefined : unreachable[node.reach];
  if (unreached !== undefined) throw apiError(595, unreached[0], { delayMs: unreached[1] });
  return node;
}

function noSuchHost(name: string): ApiError {
  const why = /^[a-z0-9-]+$/i.test(name)
    ? 'Temporary failure in name resolution'
    : 'Name or service not known';
  return apiError(
    500,
    `hostname lookup '${name}' failed - failed to get address info for: ${name}: ${why}`,
  );
}
