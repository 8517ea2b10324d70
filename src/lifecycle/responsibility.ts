/** Where a machine is and which node's host it came from. */
export interface Placed {
  readonly node: string;
  /** The node it was made on; its host answers for it wherever nobody else does. */
  readonly home: string | undefined;
}

/** The nodes that this host and the other hosts answer for. */
export interface Responsibility {
  readonly nodes: readonly string[];
  readonly otherNodes: readonly string[];
}

/**
 * Whether this host reports the machine: it is on one of our nodes, or it is on a node that nobody
 * answers for and was made on one of ours. Every machine thus has one host that reports it.
 */
export function speaksFor(placed: Placed, { nodes, otherNodes }: Responsibility): boolean {
  if (nodes.includes(placed.node)) return true;
  if (otherNodes.includes(placed.node)) return false;
  return placed.home !== undefined && nodes.includes(placed.home);
}
