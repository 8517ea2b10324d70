import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { startCloudStack } from '../fakes/cloudstack-api/server.ts';
import { readCmk } from './quick-start/cmk.ts';
import { missing, startServer } from './quick-start/management-server.ts';
import * as others from './quick-start/others.ts';
import { readPage } from './quick-start/page.ts';
import { proxmox } from './quick-start/proxmox.ts';
import type { StartSystem } from './quick-start/system.ts';
import { startZone } from './quick-start/zone.ts';

const release = '4.22.1.0';

/** The programs that run on the management server; all others are the remote system's own. */
const onServer = ['./install.sh', './out/outrigger', 'sudo', 'openssl'];

interface Case {
  readonly page: string;
  readonly start: StartSystem;
  /** False where the remote system is a daemon that a fake does not stand in for. */
  readonly answers: boolean;
  /** False where the machines are not the fake's to count. */
  readonly counts?: boolean;
}

const cases: readonly Case[] = [
  { page: 'proxmox', start: proxmox, answers: true },
  { page: 'hyperv', start: others.hyperv, answers: true },
  { page: 'maas', start: others.maas, answers: true },
  { page: 'command', start: others.command, answers: true, counts: false },
  { page: 'incus', start: others.incus, answers: false },
  { page: 'libvirt', start: others.libvirt, answers: false },
];

describe('The quick start', { concurrency: 3 }, () => {
  const reason = missing();
  if (process.env['CI'] !== undefined) assert.equal(reason, undefined);

  for (const one of cases) {
    const way = one.answers ? 'from an empty zone to an instance and back' : 'on CloudStack’s side';
    it(
      `for ${one.page} leads ${way}, command by command as it is printed`,
      {
        skip: reason ?? false,
      },
      (t) => follow(t, one),
    );

    it(`for ${one.page} has at most 60 lines`, () => {
      const { text } = readPage(one.page);
      assert.ok(text.trimEnd().split('\n').length <= 60);
    });
  }
});

async function follow(t: TestContext, { page, start, answers, counts = answers }: Case) {
  const { text, commands } = readPage(page);
  const server = startServer();
  t.after(server.remove);
  const cloud = await startCloudStack(t, release);
  const system = await start(commands.map((each) => each.command));
  t.after(system.close);
  const zone = startZone(cloud, server);
  for (const [name, content] of Object.entries(system.files)) server.save(name, content);
  server.save('cloud.json', readCredentials(cloud.credentials()));
  for (const word of Object.keys(system.values)) assert.ok(text.includes(word), word);

  for (const { language, command } of commands) {
    const line = filled(command, { ...system.values, ...zone.ids() });
    const [program = ''] = line.split(' ');
    if (program === 'cmk') {
      const call = readCmk(line, release);
      const needsSystem = /^(deploy|list|destroy)VirtualMachine/.test(call.command);
      if (answers || !needsSystem) await zone.obey(call);
      if (counts && call.command === 'deployVirtualMachine') assert.equal(system.running(), 1);
      if (answers && call.command === 'listVirtualMachines') assert.equal(zone.power, 'PowerOn');
      continue;
    }
    if (language !== 'sh' || !onServer.includes(program) || isElsewhere(line)) continue;
    const { code, output } = await server.run(line);
    assert.equal(code, expectedCode(line, answers), `${line}\n${output}`);
    if (line.includes('--name') && !line.includes('--uninstall')) installed();
  }
  assert.equal(system.running(), 0);
  assert.deepEqual([cloud.state.hosts, cloud.state.templates], [[], []]);
  assert.equal(cloud.state.extensions.length, 1, 'only the built-in extension is left');

  /** CloudStack looks for the file at the path of the extension. */
  function installed(): void {
    const name = /--name "([^"]+)"/.exec(text)?.[1] ?? '';
    cloud.state.files.add(`${name.toLowerCase().replaceAll(' ', '_')}/outrigger`);
  }
}

/** A sudo of the remote system, such as MAAS's. */
function isElsewhere(line: string): boolean {
  return line.startsWith('sudo maas ');
}

/** A plan with changes ends in 3, as its help says; a doctor whom nothing answers in 1. */
function expectedCode(line: string, answers: boolean): number {
  if (line.includes('--plan')) return 3;
  return line.includes('doctor') && !answers ? 1 : 0;
}

function filled(command: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce(
    (line, [word, value]) => line.replaceAll(word, value),
    command,
  );
}

function readCredentials(file: string): string {
  return readFileSync(file, 'utf8');
}
