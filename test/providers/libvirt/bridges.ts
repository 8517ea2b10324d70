import { execFileSync } from 'node:child_process';

/** The VLANs of the suite's instances; 0 is the bridge without a tag. */
const vlans = [0, 1577, 2000, 2001, 2100, 2101, 3000, 3001] as const;

/** Makes a bridge for each VLAN; answers what removes them. */
export function makeBridges(prefix: string): () => void {
  for (const vlan of vlans)
    execFileSync('ip', ['link', 'add', `${prefix}${vlan}`, 'type', 'bridge']);
  return () => {
    for (const vlan of vlans) execFileSync('ip', ['link', 'del', `${prefix}${vlan}`]);
  };
}
