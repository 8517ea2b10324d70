import { resolve } from 'node:path';
import type { Deadline } from '../contract/context.ts';
import { Failure, fullText } from '../failure.ts';
import { deadlineIn } from '../kit/deadline.ts';
import { apiHelp, apiOptions } from './api/access.ts';
import { lastingFindings } from './audit/compare.ts';
import { installationFindings } from './audit/installation.ts';
import type { Lists } from './audit/listed.ts';
import { inventoryOption, withLists } from './audit/lists.ts';
import { networkFindings } from './audit/networks.ts';
import { writePrometheus } from './audit/prometheus.ts';
import { exitCodeFor, readable } from './audit/report.ts';
import { scanHosts } from './audit/scan.ts';
import type { Command, CommandCall } from './command.ts';
import { progressOf, visible } from './terminal.ts';

const timeoutSeconds = 600;
const unknown = 3;

export const audit: Command = {
  usage: '',
  options: {
    prometheus: { type: 'string', value: 'FILE', about: 'Write the numbers there, too' },
    ...inventoryOption,
    ...apiOptions,
  },
  positionals: { min: 0, max: 0 },
  exitCodes: {
    0: 'OK: everything is as CloudStack believes',
    1: 'WARNING',
    2: 'CRITICAL, or wrong usage',
    3: 'UNKNOWN: a host or a list could not be read',
  },
  more: `
Compares the marked machines on the remote systems with CloudStack's instances. It finds
orphans (machines that CloudStack will never delete), duplicates and copies, lost, foreign and
damaged marks, and machines on the wrong VLAN, of the wrong size, or running while CloudStack
says stopped; of network extensions, networks and guests' data without a network or an instance
in CloudStack, and networks that are gone. It changes nothing. The first line and the exit code
suit Nagios and its like.
${apiHelp}

  outrigger audit --credentials /etc/outrigger/audit.json
  outrigger audit --prometheus /var/lib/node_exporter/textfile/outrigger.prom`,
  async run(call) {
    try {
      return await examine(call);
    } catch (thrown) {
      const failure = Failure.from(thrown);
      if (failure.kind === 'usage') throw failure;
      const error = fullText(failure);
      if (call.json) call.world.out(JSON.stringify({ status: unknown, error }));
      else call.world.out(`OUTRIGGER UNKNOWN - ${visible(error)}`);
      return unknown;
    }
  },
};

async function examine(call: CommandCall): Promise<number> {
  const deadline = deadlineIn(timeoutSeconds);
  return withLists(call, deadline, (lists) => examineLists(call, lists, deadline));
}

async function examineLists(call: CommandCall, lists: Lists, deadline: Deadline): Promise<number> {
  const { json, world, text } = call;
  const { hosts, instances } = lists;
  if (hosts.length === 0) {
    throw new Failure('not-found', 'No host is served by a provider of this file', {
      advice: 'Its extension needs the detail "provider": `outrigger register` writes it',
    });
  }
  const onStep = progressOf(call);
  const seen = await scanHosts(hosts, { world, deadline, changes: false, onStep });
  const found = [
    ...installationFindings(hosts),
    ...(await lastingFindings(lists, seen)),
    ...(await networkFindings(lists, { world, deadline, onStep })),
  ];
  const counts = {
    instances: instances.length,
    machines: seen.seenMachines.length,
    hosts: hosts.length,
  };
  const file = text('prometheus');
  const unwritten =
    file === undefined ? [] : writePrometheus(resolve(file), found, counts, new Date());
  const findings = [...found, ...unwritten];
  const code = exitCodeFor(findings);
  if (json) world.out(JSON.stringify({ status: code, ...counts, findings }, undefined, 2));
  else for (const line of readable(findings, counts, world)) world.out(line);
  return code;
}
