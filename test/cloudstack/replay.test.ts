import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { simulator } from '../../src/providers/simulator/index.ts';
import { formFault } from '../support/answer-form.ts';
import { type Done, makePlace } from '../support/world.ts';
import type { Json } from './recorded.ts';

/*
 * Every payload that a CloudStack 4.23 wrote for the simulator, played in the order in which it wrote
 * them: two lives of an instance, two deployments that are made to fail, and what stands alone.
 */

const folder = join(process.cwd(), 'test/payloads/4.23');

const life = [
  ...['prepare', 'create', 'reboot', 'stop', 'start', 'getconsole', 'CreateSnapshot'],
  ...['stop-2', 'delete'],
];

const failed = [1, 2].flatMap((pass) => ['create', 'stop'].map((action) => ({ action, pass })));

/** By file, the exit code that CloudStack has to see. */
const expected: Readonly<Record<string, 0 | 1>> = {
  // Nothing shows yet that this is the system that the installation's instances are on.
  statuses: 1,
  GetVmIpAddressCommand: 0,
  ...Object.fromEntries(
    ['one-nic-admin', 'two-nics-user'].flatMap((who) => [
      ...life.map((step) => {
        const [action = '', again] = step.split('-');
        return [`${action}-${who}${again === undefined ? '' : `-${again}`}`, 0];
      }),
      ...failed.map(({ action, pass }) => [
        `${action}-failed-deploy-pass${pass}-${who}`,
        action === 'create' ? 1 : 0,
      ]),
    ]),
  ),
  'prepare-two-nics-same-network': 0,
  'create-two-nics-same-network': 0,
  'prepare-shared-network': 0,
  'create-shared-network': 0,
  // Its machine was never made here, which is no "off".
  'status-running-later-of-ping': 1,
  'stop-by-power-sync': 0,
};

function read(name: string): Json {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
}

/** The word on the command line: CloudStack repeats that of a custom action in the payload. */
function actionOf(name: string): string {
  const { action } = read(name);
  return typeof action === 'string' ? action : (name.split('-')[0] ?? '');
}

describe('the payloads of CloudStack 4.23', () => {
  it('are answered as CloudStack needs it, each in one document that it can pass on', async (t) => {
    const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
    assert.deepEqual(names.sort(), Object.keys(expected).sort(), 'every file is replayed');
    const place = makePlace({ simulator: async () => simulator });
    t.after(place.remove);
    const answers = new Map<string, Done>();
    for (const [name, exitCode] of Object.entries(expected)) {
      const done = await place.call(actionOf(name), read(name));
      assert.equal(done.exitCode, exitCode, `${name}: ${done.text}`);
      assert.equal(formFault(done.text), undefined, name);
      answers.set(name, done);
    }
    const { text = '' } = answers.get('create-failed-deploy-pass1-two-nics-user') ?? {};
    assert.match(text, /failed create because its settings say so/);
    const reported = await place.call('statuses', read('statuses'));
    assert.deepEqual(reported.document['power_state'], {
      'i-2-27-VM': 'PowerOn',
      'i-2-25-VM': 'PowerOn',
    });
  });

  it('never tell a stop before an expunge from any other, so that the guest is asked first', () => {
    for (const who of ['one-nic-admin', 'two-nics-user']) {
      const [plain, last] = ['', '-2'].map((again) => read(`stop-${who}${again}`));
      const strip = (payload: Json | undefined): Json => {
        const { caller: _, 'cloudstack.vm.details': vm, ...rest } = payload ?? {};
        const { details, ...facts } = vm as { details: Json };
        const { 'Message.ReservedCapacityFreed.Flag': __, ...kept } = details;
        return { ...rest, facts, kept };
      };
      assert.deepEqual(strip(last), strip(plain));
    }
  });
});
