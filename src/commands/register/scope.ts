import type { Plan } from './plan.ts';

/** Details that decide which machines a host sees, or which of them it answers for. */
const scope = /^detail (node|nodes|other_nodes|pool|url|endpoint|api_user|installation)$/;

/** A remark for each change after which a host may miss machines that it has reported until now. */
export function scopeRemarks({ changes }: Plan): string[] {
  return changes.flatMap(({ verb, subject, differences }) => {
    if (verb !== 'update') return [];
    const words = differences
      .filter(({ what, from }) => scope.test(what) && from !== undefined)
      .map(({ what }) => what.replace('detail ', ''));
    if (words.length === 0) return [];
    return [
      `${subject}: ${words.join(', ')} decides which machines are its own. Instances whose machines it does not see any more become Stopped in CloudStack while they run: run \`outrigger audit\` at once`,
    ];
  });
}
