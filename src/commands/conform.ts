import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Failure } from '../failure.ts';
import { readSeconds } from './arguments.ts';
import type { Command, CommandCall } from './command.ts';
import { examine } from './conform/examine.ts';
import { readKeyValues, readPlaced } from './conform/key-values.ts';
import { type Found, inJson, readable } from './conform/report.ts';
import { withTempDirGraceful } from './temp-dir.ts';
import { paintFor, progressOf } from './terminal.ts';

export const conform: Command = {
  usage: '<executable> [key=value ...]',
  options: {
    'provider-details': {
      type: 'string',
      value: 'KEY=VALUE',
      multiple: true,
      about: 'A host detail the extension needs',
    },
    network: { type: 'boolean', about: 'It is a network extension (CloudStack 4.23)' },
    action: { type: 'string', value: 'NAME', about: 'A custom action it has, to try that too' },
    timeout: {
      type: 'string',
      value: 'SECONDS',
      about: 'Argument 3 of the calls that do work: 120, or 60 for networks',
    },
    keep: { type: 'boolean', about: 'Keep the payload files and say where they are' },
  },
  positionals: { min: 1, max: 1000 },
  exitCodes: { 0: 'every must is kept', 1: 'a must is broken', 2: 'wrong usage' },
  more: `
It calls the executable some sixty times: prepare, create, start, stop, reboot, delete and
more, for sample instances with new UUIDs and names such as i-2-912345-VM.

A broken must ("fail") harms CloudStack, an instance or a tenant; a broken should ("warn")
costs an operator time. Where a detail is an https address, one status call goes to a server
on 127.0.0.1 whose certificate nothing vouches for, and some to a port where nothing answers.

Aimed at a real extension, it really creates, stops and deletes such instances on the remote
system. It never names any other instance, and it deletes the ones it created, also after a
failure or Ctrl-C. Use a test system all the same.

With --network it calls the commands of a network extension instead, for two networks with numbers
above 900,000,000 and their guests; the details are those of the registration with the physical
network. It makes such networks and removes them.

Details are given as key=value: of the host, or with extension., resourcemap. or
virtualmachine. in front for the other places they may come from.

  outrigger conform ./my-extension url=https://10.0.0.1 virtualmachine.template_id=9000
  outrigger conform ./outrigger provider=simulator --json
  outrigger conform ./outrigger --network provider=simulator installation=test`,
  async run(call) {
    const { json, world } = call;
    const found = await withTempDirGraceful((directory, asked) =>
      call.flag('keep') ? inKeptDirectory(call, asked) : runIn(call, asked, directory),
    );
    if (json) world.out(JSON.stringify(inJson(found), undefined, 2));
    else for (const line of readable(found, paintFor(world))) world.out(line);
    return found.findings.some(({ state }) => state === 'fail') ? 1 : 0;
  },
};

type Asked = () => NodeJS.Signals | undefined;

async function inKeptDirectory(call: CommandCall, asked: Asked): Promise<Found> {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-conform-'));
  return { ...(await runIn(call, asked, directory)), kept: directory };
}

async function runIn(call: CommandCall, asked: Asked, directory: string): Promise<Found> {
  const [executable = '', ...words] = call.positionals;
  const { json, world } = call;
  const given = call.text('timeout');
  const timeoutSeconds = (usual: number): number =>
    given === undefined ? usual : readSeconds('--timeout', given);
  const typed = [...call.texts('provider-details'), ...words];
  const action = call.text('action');
  const common = {
    ...{ executable: resolve(executable), directory, env: world.env },
    onCall: progressOf({ json, world }),
    goOn() {
      const signal = asked();
      if (signal !== undefined) throw new Failure('timeout', `Stopped by ${signal}`);
    },
  };
  if (call.flag('network')) {
    if (action !== undefined) throw new Failure('usage', '--action does not go with --network');
    const { host = {} } = readPlaced(typed, []);
    const examination = { ...common, registration: host, timeoutSeconds: timeoutSeconds(60) };
    return (await import('./conform/network/examine.ts')).examineNetwork(examination);
  }
  return examine({
    ...{ ...common, details: readKeyValues(typed), timeoutSeconds: timeoutSeconds(120) },
    ...(action === undefined ? {} : { action }),
  });
}
