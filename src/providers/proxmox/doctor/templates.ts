import type { Check } from '../../../contract/provider.ts';
import { expectFailure } from '../../../failure.ts';
import type { Blueprint } from '../blueprint.ts';
import type { ClusterResources } from '../machine/capacity.ts';
import type { Session } from '../machine/session.ts';
import { findTemplate, isFullClone, rowFor } from '../machine/template.ts';

/** The nodes that instances are made on: by this host, and by the hosts of other nodes. */
function makingNodes({ settings }: Session): readonly string[] {
  return [...new Set([settings.node, ...(settings.other_nodes ?? [])])];
}

/** Where templates are: a linked clone stays on the storage, and so mostly on the node, of its own. */
export function checkTemplates(
  session: Session,
  { machines, storages }: ClusterResources,
): readonly Check[] {
  const templates = machines.filter((row) => row.template);
  const name = 'templates';
  if (templates.length === 0) {
    const advice = 'It needs VM.Audit and VM.Clone on each, or on a pool that they are in';
    return [{ name, state: 'warn', found: 'the token sees none', advice }];
  }
  const on = (node: string) => templates.filter((row) => row.node === node);
  const nodes = [...new Set([...makingNodes(session), ...(session.settings.nodes ?? [])])];
  const found = nodes
    .map((node) => {
      const here = on(node).map((row) => `${row.vmid} ${row.name ?? ''}`.trim());
      return `${node}: ${here.join(', ') || 'none'}`;
    })
    .join('; ');
  const sharesDisks = (node: string): boolean =>
    storages.some((row) => row.node === node && row.shared && row.content.includes('images'));
  const bare = makingNodes(session).filter((node) => on(node).length === 0 && !sharesDisks(node));
  if (bare.length === 0) return [{ name, state: 'ok', found }];
  const advice = `Nothing can be linked to on ${bare.join(', ')}, which share no storage for disks: make a template there, or set is_full_clone to true`;
  return [{ name, state: 'warn', found, advice }];
}

/** Whether the template that the operator has set can be copied on each of these nodes. */
export async function checkTemplate(
  session: Session,
  found: ClusterResources,
  { template_id: wanted, template_type: type, is_full_clone = false }: Partial<Blueprint>,
): Promise<readonly Check[]> {
  if (wanted === undefined || type === 'iso') return [];
  const name = 'template';
  const template = await findTemplate(session, found, wanted);
  const { vmid, node } = template;
  const everywhere = template.shared || isFullClone({ is_full_clone }, template);
  const without = makingNodes(session).filter(
    (each) => !everywhere && placeFor(found, wanted, each) !== each,
  );
  if (without.length === 0) {
    return [
      { name, state: 'ok', found: `${vmid} on ${node}, for ${makingNodes(session).join(', ')}` },
    ];
  }
  return [
    {
      name,
      state: without.includes(session.settings.node) ? 'fail' : 'warn',
      found: `${vmid} on ${node} cannot be linked to on ${without.join(', ')}: its disks are on local storage`,
      advice: `Make one there and name them all (template_id=${node}=${vmid},${without[0]}=ID), or set is_full_clone to true`,
    },
  ];
}

/** The node of the template that is meant for a node; another host may have one of its own. */
function placeFor({ machines }: ClusterResources, wanted: string, node: string): string {
  try {
    return rowFor(machines, wanted, node).node;
  } catch (thrown) {
    expectFailure(thrown);
    return node;
  }
}
