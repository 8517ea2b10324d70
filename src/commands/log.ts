import { readLogConfig } from '../cloudstack/config.ts';
import { defaultConfigFile } from '../cloudstack/config-file.ts';
import { Failure, fullText } from '../failure.ts';
import { deadlineIn } from '../kit/deadline.ts';
import type { Command, CommandCall } from './command.ts';
import { readLogFiles } from './log/files.ts';
import { groupByCall, inOrder, type Line, parseLine } from './log/line.ts';
import { fetchLog } from './log/remote.ts';
import { readSince, type Selection, select } from './log/select.ts';
import { describeCall } from './log/show.ts';
import { columnsOf, paintFor } from './terminal.ts';

const timeoutSeconds = 120;

export const log: Command = {
  usage: '',
  options: {
    vm: { type: 'string', value: 'UUID|NAME', about: 'Only this instance' },
    ref: { type: 'string', value: 'REF', about: 'Only the call with this reference' },
    failed: { type: 'boolean', about: 'Only calls that failed or were killed' },
    since: { type: 'string', value: 'TIME', about: 'Only since then: 30m, 2h, 7d or a time' },
    host: { type: 'string', value: 'USER@SERVER', multiple: true, about: 'Over ssh, too' },
    'ssh-option': { type: 'string', value: 'KEY=V', multiple: true, about: 'Handed to ssh -o' },
    file: { type: 'string', value: 'FILE', about: 'Another log than the configured one' },
  },
  positionals: { min: 0, max: 0 },
  exitCodes: {
    0: 'a call was found',
    1: 'no call was found, or a log could not be read',
    2: 'wrong usage',
  },
  more: `
Shows the calls in order, from rotated files, too. Of several management servers each has its
own part of the log: name the others with --host. They need nothing but ssh, and the log in
the same place.

A call without an end was killed, as CloudStack does at the time-out. A call that still runs on
this server is shown as such; a running call of another server has no end, either.

  outrigger log --failed --since 2h
  outrigger log --vm i-2-42-VM --host root@mgmt2 --host root@mgmt3
  outrigger log --ref r-7f3a1c --json`,
  async run(call) {
    const { json, world } = call;
    const selection = readSelection(call);
    const { lines, problems } = await gather(call);
    for (const problem of problems) world.err(`outrigger log: ${problem}`);
    const calls = select(groupByCall(inOrder(lines)), selection);
    if (json) {
      world.out(
        JSON.stringify({ calls: calls.map(({ lines: all }) => all.map(asFacts)), problems }),
      );
    } else {
      const columns = columnsOf(world);
      for (const each of calls) {
        for (const text of describeCall(each, paintFor(world), columns)) world.out(text);
      }
      if (calls.length === 0 && problems.length === 0) {
        world.err('outrigger log: Nothing was found.');
      }
    }
    return calls.length > 0 && problems.length === 0 ? 0 : 1;
  },
};

function readSelection({ text, flag }: CommandCall): Selection {
  const [vm, ref, since] = [text('vm'), text('ref'), text('since')];
  return {
    failed: flag('failed'),
    ...(vm === undefined ? {} : { vm }),
    ...(ref === undefined ? {} : { ref }),
    ...(since === undefined ? {} : { sinceMs: readSince(since, Date.now()) }),
  };
}

/** This server's log and those of the others; one that cannot be had does not hide the rest. */
async function gather(call: CommandCall): Promise<{ lines: Line[]; problems: string[] }> {
  const { text, texts, world } = call;
  // Where the service logs, too, while its configuration is broken.
  const config = readLogConfig(world.env['OUTRIGGER_CONFIG'] ?? defaultConfigFile);
  const file = text('file') ?? config.file;
  const hosts = texts('host');
  const way = { deadline: deadlineIn(timeoutSeconds), env: { ...world.env } };
  const lines: Line[] = [];
  const problems: string[] = [];
  const sources = [
    async () => readLogFiles(file, (failure) => problems.push(fullText(failure))),
    ...hosts.map((host) => () => fetchLog(host, file, texts('ssh-option'), way)),
  ];
  await Promise.all(
    sources.map(async (read) => {
      try {
        for (const line of linesOf(await read())) lines.push(line);
      } catch (thrown) {
        const failure = Failure.from(thrown);
        if (failure.kind === 'usage') throw failure;
        // An operator may ask the servers from a machine that is none itself.
        if (failure.kind === 'not-found' && hosts.length > 0) return;
        problems.push(fullText(failure));
      }
    }),
  );
  return { lines, problems };
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => parseLine(line) ?? []);
}

function asFacts({ facts }: Line): Line['facts'] {
  return facts;
}
