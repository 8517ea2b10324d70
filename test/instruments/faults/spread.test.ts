import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { builtFile } from '../../support/spawned.ts';
import { play } from './fault-case.ts';
import { playFairly } from './results.ts';
import { caseNamed, faults, providers } from './table.ts';

/*
 * A spread of the table of faults for every day: each fault and each provider once. The whole of it
 * is `npm run test:faults`; docs/reliability.md has what came of that.
 */

const cases: readonly string[] = [
  'proxmox/RestoreSnapshot/none',
  'proxmox/create-pairs/refused',
  'maas/create/gone@2',
  'proxmox/start/reset-header@3',
  'hyperv/stop/reset-body@1',
  'proxmox/create/hang-before@2',
  'maas/delete/hang-after@1',
  'hyperv/status/silent',
  'proxmox/create/answer-lost@3',
  'maas/prepare/request-lost@1',
  'hyperv/create/gateway-504@2',
  'maas/delete/tls-garbage',
  'proxmox/stop/tls-reset',
  'proxmox/reboot/certificate-changed',
  'maas/status/429',
  'proxmox/delete/500',
  'hyperv/delete/503',
  'proxmox/statuses/595',
  'proxmox/CreateSnapshot/503-once@1',
  'maas/start/truncated@1',
  'proxmox/status/enormous',
  'maas/create/login-page',
  'hyperv/status/drip',
  'proxmox/stop/401-from@2',
  'maas/reboot/403-from@1',
  'maas/status/date-ahead',
  'proxmox/status/date-behind',
  'proxmox/statuses/blind',
  'proxmox/statuses/blind-from@2',
  'maas/stop/taken-over',
  'maas/delete/taken-over-from@1',
  'proxmox/status/storm',
  'hyperv/delete/hidden',
  'proxmox/create-stop/accepted@1',
  'maas/stop/owned',
  'hyperv/status/dns-failing',
  'maas/delete/dns-silent',
  'proxmox/status/dns-slow',
  'maas/stop/ipv6-refused',
  'hyperv/status/ipv6-dead',
  'proxmox/create-user-data/killed@9',
  'maas/Redeploy/terminated@4',
  'hyperv/create/twice',
  'simulator/create/thrice',
  'hyperv/reboot/with-status',
  'proxmox/stop/with-statuses',
  'maas/start/log-full',
  'simulator/start/state-full',
  'simulator/Reinstall/state-spoiled',
  'proxmox/delete/payload-missing',
  'maas/delete/payload-half',
  'hyperv/create/payload-empty',
  'simulator/stop/payload-binary',
  'simulator/status/payload-directory',
  'proxmox/status/clock-back',
  'maas/status/clock-ahead',
];

describe('A spread of the faults leaves the instance, its answer and all other machines in order', {
  concurrency: 3,
}, () => {
  for (const id of cases) {
    const faultCase = caseNamed(id);
    const skip = faultCase.fault.lacks?.(faultCase.provider) ?? false;
    it(`every promise holds in ${id}`, { skip }, async () => {
      const { complaints } = await playFairly(faultCase, builtFile);
      assert.deepEqual(complaints, [], `npm run test:faults -- --only ${id}`);
    });
  }

  it('the spread has every fault and every provider', () => {
    const parts = cases.map((id) => id.split(/[/@]/));
    assert.deepEqual(
      parts.map(([, , fault]) => fault).sort(),
      faults.map(({ name }) => name).sort(),
    );
    assert.deepEqual(
      [...new Set(parts.map(([provider]) => provider))].sort(),
      [...providers].sort(),
    );
  });
});

describe('docs/reliability.md', () => {
  it('docs/reliability.md explains every fault', () => {
    const page = readFileSync('docs/reliability.md', 'utf8');
    for (const { name, about } of faults) assert.ok(page.includes(`| ${name} | ${about} |`), name);
  });
});

describe('The verdicts of the table of faults', () => {
  const complaintsAbout = async (id: string, script: string): Promise<string> => {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-careless-'));
    const file = join(folder, 'careless');
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    try {
      const { complaints } = await play(caseNamed(id), file);
      return complaints.join('\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const success = `echo '{"status":"success"}'`;

  it('the verdicts see a success without a machine', async () => {
    const said = await complaintsAbout('simulator/create/none', success);
    assert.match(said, /create answered success, but the machine is nowhere/);
    assert.match(said, /has to be running in the end, but is gone/);
  });

  it('the verdicts see a second document', async () => {
    const said = await complaintsAbout('simulator/stop/none', `${success}; ${success}`);
    assert.match(said, /not one line of printable text/);
  });

  it('the verdicts see an exit code that contradicts the document', async () => {
    const said = await complaintsAbout('simulator/delete/none', `${success}; exit 1`);
    assert.match(said, /delete answered/);
  });

  it('the verdicts see a running machine that is reported off', async () => {
    const off = `echo '{"status":"success","power_state":"PowerOff"}'`;
    const said = await complaintsAbout('simulator/status/none', off);
    assert.match(said, /status answered success, but the machine is on/);
  });

  it('the verdicts see a process that does not answer in time', async () => {
    const said = await complaintsAbout(
      'simulator/delete/payload-half',
      '[ "$3" -gt 8 ] || exec sleep 9',
    );
    assert.match(said, /had not answered when its time was up/);
  });

  it('the verdicts see a secret', async () => {
    const said = await complaintsAbout('simulator/status/none', 'cat "$2"');
    assert.match(said, /a secret in an answer/);
  });

  it('the verdicts see a success about a machine whose mark has outlived its owner', async () => {
    const said = await complaintsAbout('maas/stop/owned', success);
    assert.match(said, /stop was told "success" of a machine that still carries the mark/);
  });

  it('the verdicts see a change to a foreign machine', async () => {
    const machines = '$HOME/.local/state/outrigger/simulator/machines';
    const said = await complaintsAbout('simulator/delete/none', `rm ${machines}/*; ${success}`);
    assert.match(said, /is not ours and was touched/);
  });
});
