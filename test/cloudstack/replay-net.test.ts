import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { simulator } from '../../src/providers/simulator/index.ts';
import { makePlace, type Place } from '../support/world.ts';
import { changed, type Json } from './recorded.ts';

/*
 * The Orchestrator's payloads that a CloudStack 4.23 wrote for instances on networks of a network
 * extension: free-form URIs, a configuration drive among the disks, a stop without a create. Each is
 * played in a life of its own.
 */

const folder = join(process.cwd(), 'test/payloads/4.23-net');
const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
const vm = 'cloudstack.vm.details';

function read(name: string): Json {
  const payload = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Json;
  const details = payload['externaldetails'] as Record<string, Json> | undefined;
  if (details === undefined) return payload;
  return changed(payload, ['externaldetails', 'extension'], {
    ...details['extension'],
    provider: 'simulator',
  });
}

function actionOf(name: string): string {
  const { action } = read(name);
  if (typeof action === 'string') return action;
  const words = ['prepare', 'create', 'start', 'stop', 'reboot'];
  return name.split('-').find((word) => words.includes(word)) ?? '';
}

/** Networks that the recording extension has named, as if they had been made. */
function plantNetworks({ folder: home }: Place): void {
  const networks = join(home, 'home/.local/state/outrigger/simulator/networks');
  mkdirSync(networks, { recursive: true, mode: 0o700 });
  for (const name of ['csn-42', 'cs-net-42', 'seg_1']) {
    writeFileSync(join(networks, `${name}.json`), '{"alias":""}');
  }
}

/** The one machine that is there, with what it is plugged into. */
function segments({ folder: home }: Place): readonly unknown[] {
  const machines = join(home, 'home/.local/state/outrigger/simulator/machines');
  const [file = ''] = readdirSync(machines).filter((name) => name.endsWith('.json'));
  const { nics } = JSON.parse(readFileSync(join(machines, file), 'utf8')) as { nics: Json[] };
  return nics.map(({ segment }) => segment);
}

/** A life before the payload, in which the instance was on another network. */
async function before(place: Place, action: string, payload: Json): Promise<void> {
  if (action !== 'start' && action !== 'reboot') return;
  const elsewhere = changed(payload, [vm, 'nics', 0, 'broadcastUri'], 'vlan://99');
  const first = action === 'start' ? elsewhere : payload;
  assert.equal((await place.call('create', first)).exitCode, 0);
  if (action === 'start') assert.equal((await place.call('stop', payload)).exitCode, 0);
}

/** The word of an action that no provider has; and a command of CloudStack's own for a new NIC. */
const refused = ['vm-custom-action-named-save-vm-data', 'plugnic-command-as-action'];

const expected: Readonly<Record<string, readonly unknown[]>> = {
  'nx-isolated-create-vs-uri': [{ kind: 'named', name: 'csn-42', uri: 'vs://csn-42' }],
  'nx-l2-start-vs-query': [{ kind: 'named', name: 'cs-net-42', uri: 'vs://cs-net-42?mode=nat' }],
  'nx-l2-start-vs-underscore': [{ kind: 'named', name: 'seg_1', uri: 'vs://seg_1' }],
  'nx-isolated-start-vlan-uri': [{ kind: 'vlan', id: 3001 }],
  'nx-isolated-create-lswitch': [{ kind: 'other', uri: 'lswitch:abc-def' }],
  'nx-l2-create-ovn-query': [{ kind: 'other', uri: 'ovn://seg_1?x=y&z' }],
  'nx-shared-create-vxlan': [{ kind: 'other', uri: 'vxlan://5001' }],
  'nx-l2-create-without-uri': [{ kind: 'none' }],
  'isolated-start-after-gc': [{ kind: 'vlan', id: 1575 }],
};

describe('the payloads of CloudStack 4.23 beside a network extension', () => {
  it('are 36, and each that is expected to say something is there', () => {
    assert.equal(names.length, 36);
    for (const name of [...refused, ...Object.keys(expected)]) assert.ok(names.includes(name));
  });

  for (const name of names) {
    it(`${name} is served in a life of its own`, async (t) => {
      const place = makePlace({ simulator: async () => simulator });
      t.after(place.remove);
      plantNetworks(place);
      const payload = read(name);
      const action = actionOf(name);
      await before(place, action, payload);
      const { exitCode, text } = await place.call(action, payload);
      assert.equal(exitCode, refused.includes(name) ? 1 : 0, text);
      if (expected[name] !== undefined) assert.deepEqual(segments(place), expected[name]);
    });
  }
});
