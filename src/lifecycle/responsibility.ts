import type { Policy } from '../contract/driver.ts';
import type { Machine } from '../contract/machine.ts';
import { Failure } from '../failure.ts';

/**
 * Whether this host reports the machine: it is on one of our nodes, or it is on a node that no host
 * answers for and was made on one of ours. Every machine thus has one host that reports it; one
 * without a node, or whose node the remote system does not tell, is every host's.
 */
export function speaksFor(
  { node, home }: Pick<Machine, 'node' | 'home'>,
  { nodes, otherNodes = [] }: Pick<Policy, 'nodes' | 'otherNodes'>,
): boolean {
  if (node === undefined) return true;
  if (nodes === undefined) return !otherNodes.includes(node);
  if (nodes.includes(node)) return true;
  if (otherNodes.includes(node)) return false;
  return home !== undefined && nodes.includes(home);
}

/** Fails for a node that no host speaks for: no report would hold a machine that is moved there. */
export function requireHostOf(
  node: string,
  { nodes, otherNodes = [] }: Pick<Policy, 'nodes' | 'otherNodes'>,
): void {
  if (nodes === undefined || [...nodes, ...otherNodes].includes(node)) return;
  const sentence = `No host speaks for node ${node}; those that one does are in nodes and other_nodes`;
  throw new Failure('denied', sentence, { tenant: sentence });
}
