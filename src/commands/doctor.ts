import { type DeadlineControl, deadlineIn } from '../kit/deadline.ts';
import { apiHelp, apiOptions, readAccess } from './api/access.ts';
import type { Command, CommandCall } from './command.ts';
import { type Places, readGiven } from './doctor/details.ts';
import { examine } from './doctor/examine.ts';
import { type Finding, inLayer } from './doctor/finding.ts';
import { readable } from './doctor/report.ts';
import { progressOf } from './terminal.ts';

const timeoutSeconds = 120;

export const doctor: Command = {
  usage: '[key=value ...]',
  options: {
    provider: { type: 'string', value: 'NAME', about: 'The provider, where no detail names it' },
    details: { type: 'string', value: 'FILE', about: 'Details as JSON, by place or of the host' },
    setup: { type: 'string', value: 'FILE', about: 'Details from the setup file of register' },
    host: { type: 'string', value: 'NAME', about: 'With --setup: which host; default: the first' },
    payload: { type: 'string', value: 'FILE', about: 'Details from a payload CloudStack wrote' },
    user: { type: 'string', value: 'NAME', about: 'The user CloudStack runs as; default: cloud' },
    ...apiOptions,
  },
  positionals: { min: 0, max: 1000 },
  exitCodes: {
    0: 'no check failed (there may be warnings)',
    1: 'a check failed',
    2: 'wrong usage',
  },
  more: `
Checks this server, the details, the network to the remote system and the remote system itself,
and prints for each check the result and the advice. It changes nothing anywhere.

Details are given as key=value: of the host, or with extension. or resourcemap. in front, or
with virtualmachine. for what a template or an offering gives its instances, or physicalnetwork.
for those of a network extension. A secret is better given in a file: --details, --payload, or
KEY_file=NAME in the secrets directory.
Run it as user cloud to see what CloudStack sees, or as root to see everything.

With access to CloudStack it also asks whether another extension has drawn instances of ours to
its hosts, and looks at all network extensions, the networks they serve and their remote systems;
"outrigger audit" looks at much more.
${apiHelp}

  outrigger doctor
  outrigger doctor --setup zone.json
  sudo -u cloud outrigger doctor provider=simulator node=sim1
  outrigger doctor --payload /var/lib/cloudstack/management/extensions/.../...json --json`,
  async run(call) {
    const { positionals, text, json, world } = call;
    const given = readGiven({
      words: positionals,
      detailsFile: text('details'),
      payloadFile: text('payload'),
      setup: await setupOf(call),
    });
    const deadline = deadlineIn(timeoutSeconds);
    const found = await examine({
      ...{ world, ...given, providerName: text('provider') },
      user: text('user') ?? 'cloud',
      deadline,
      onStep: progressOf({ json, world }),
    });
    const findings = [...found, ...(await cloudStackFindings(call, deadline))];
    const wrong = findings.filter(({ state }) => state === 'fail').length;
    if (json) world.out(JSON.stringify({ checks: findings, wrong }, undefined, 2));
    else for (const line of readable(findings, world)) world.out(line);
    return wrong === 0 ? 0 : 1;
  },
};

/** The details in a setup file, by place, as CloudStack will hand them to a call. */
async function setupOf(call: CommandCall): Promise<Places | undefined> {
  if (call.text('setup') === undefined) return undefined;
  return (await import('./doctor/from-setup.ts')).placesIn(call);
}

async function cloudStackFindings(
  call: CommandCall,
  deadline: DeadlineControl,
): Promise<readonly Finding[]> {
  if (readAccess(call) === undefined) return [];
  const { drawnChecks } = await import('./doctor/drawn.ts');
  const { extensionFindings } = await import('./doctor/network-extensions.ts');
  return [
    ...inLayer('cloudstack', await drawnChecks(call, deadline)),
    ...(await extensionFindings(call, deadline)),
  ];
}
