import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { commands } from '../../../src/cloudstack/network/commands.ts';
import {
  networkPayload,
  nicBlock,
  type SampleNetwork,
  vmData,
} from '../../../src/commands/conform/network-payloads.ts';
import { formFault } from '../../support/answer-form.ts';
import { admin, type Details, payloadFor, type Vm } from '../../support/payloads.ts';
import type { Place } from '../../support/world.ts';
import { newPlace, registered } from './recorded.ts';

/*
 * The order of both halves in 72 situations of a genuine CloudStack 4.23, from the first deployment on a
 * network to its end, failures included. A call that failed there fails here too where it can.
 */

interface Timeline {
  readonly title: string;
  /** `O create fails`: the Orchestrator's file; `N ensure+save-vm-data`: that of the network. */
  readonly steps: readonly string[];
}

const timelines = JSON.parse(
  readFileSync(join(process.cwd(), 'test/payloads/4.23-timelines.json'), 'utf8'),
) as readonly Timeline[];

const uuid = '8f4e2a6c-0e57-4a8b-a8d5-000000000042';
const nic = { deviceId: 0, uuid: '0b6a2f0e-9a54-4d4e-8df2-000000000042', mac: '02:01:00:cd:00:01' };
const vm: Vm = {
  ...{ id: 42, uuid, name: 'i-2-42-VM', cpus: 1, memoryMb: 512, details: {} },
  nics: [{ ...nic, vlan: 1577, ip: '10.1.1.23' }],
};
const sample = {
  ...{ id: 42, uuid, name: vm.name, vncPassword: '', stored: {} },
  nics: [{ nicUuid: nic.uuid, mac: nic.mac, ip: '10.1.1.23', defaultNic: true, deviceId: 0 }],
};
const network: SampleNetwork = { id: 227, kind: 'isolated', vlan: '', state: 'implementing' };

const words = ['prepare', 'create', 'start', 'stop', 'reboot', 'delete'];

interface Step {
  readonly word: string;
  readonly ensures: number;
  readonly fails: boolean;
  readonly empty: boolean;
}

function readStep(text: string): Step {
  const [, call = '', ...more] = text.split(' ');
  const parts = call.split('+');
  const word = parts[parts.length - 1] ?? '';
  const fails = more.includes('fails');
  return { word, ensures: parts.length - 1, fails, empty: more.includes('(0') };
}

describe('the timelines of CloudStack 4.23', () => {
  it('are 72', () => assert.equal(timelines.length, 72));

  for (const { title, steps } of timelines) {
    it(`${title}: every call is answered as CloudStack needs it`, async (t) => {
      const place = newPlace();
      t.after(place.remove);
      const all = steps.map(readStep);
      await before(place, all);
      for (const step of all) await playStep(place, step);
    });
  }
});

/** A timeline that begins in the middle of an instance's life has the beginning before it. */
async function before(place: Place, steps: readonly Step[]): Promise<void> {
  const first = steps.find(({ word }) => words.includes(word))?.word;
  if (first === undefined || first === 'prepare' || first === 'create') return;
  const usual = { ensures: 0, fails: false, empty: false };
  await playStep(place, { ...usual, word: 'create' });
  if (first === 'start') await playStep(place, { ...usual, word: 'stop' });
}

async function playStep(place: Place, step: Step): Promise<void> {
  const { word, ensures } = step;
  for (let at = 0; at < ensures; at += 1) {
    const ensured = await call(place, 'ensure-network-device', { current_details: '{}' }, {});
    assert.deepEqual(ensured, { exitCode: 0, text: '' });
  }
  const script: Details = step.fails ? { fail_actions: '*' } : {};
  const { exitCode, text } = Object.hasOwn(commands, word)
    ? await call(place, word, fieldsOf(step), script)
    : await callOrchestrator(place, word, script);
  assert.equal(exitCode, expectedFor(step), `${word}: ${text}`);
  assert.equal(formFault(text), undefined, text);
}

function call(place: Place, word: string, fields: object, script: Details) {
  const payload = networkPayload({ ...registered, ...script }, network, { ...fields });
  const file = place.payload(payload, `cs-extnet-${word}.payload`);
  return place.begin([word, file, '60']).result;
}

function callOrchestrator(place: Place, word: string, script: Details) {
  if (!words.includes(word)) return place.call(word, { action: word }, { timeoutSeconds: 5 });
  const host = { extension: registered, host: { node: 'sim1', ...script } };
  return place.call(word, payloadFor(word, { vm, host, caller: admin }));
}

function fieldsOf({ word, empty }: Step): object {
  const block = nicBlock(sample, 0, 'isolated');
  if (word === 'save-vm-data') return { ...block, vm_data: vmData(sample, { hostname: 'web1' }) };
  if (word === 'save-password') return { ...block, password: 'fJ4tkq' };
  if (word === 'restore-network') return { restore_data: { vms: [] } };
  if (word === 'apply-fw-rules') return { fw_rules: { rules: empty ? [] : [{ id: 1 }] } };
  if (word === 'apply-lb-rules') return { lb_rules: [{ id: 1, revoke: false }] };
  if (word === 'apply-network-acl') return { acl_rules: [{ number: 1 }] };
  if (word === 'custom-action') return { action: 'Dump' };
  return block;
}

/** Commands that can fail for a reason of the remote system; others succeed at once, or are refused. */
function expectedFor({ word, fails, empty }: Step): 0 | 1 {
  const row = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (row === undefined) return fails || !words.includes(word) ? 1 : 0;
  if (row.kind === 'quiet') return 0;
  if (row.kind === 'foreign') return empty ? 0 : 1;
  if (row.kind === 'custom') return 1;
  if (word === 'restore-network') return 0;
  return fails ? 1 : 0;
}
