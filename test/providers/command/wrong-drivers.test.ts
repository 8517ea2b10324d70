import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Backend, RemoteMachine } from '../../conformance/backend.ts';
import { admin, payloadFor, system, type Vm } from '../../support/payloads.ts';
import { type Done, makePlace, type Place } from '../../support/world.ts';
import { configured, driversIn, goodDriver, overState, pythonMissing } from './backend.ts';
import { type WrongDriver, wrongDrivers } from './faults.ts';

/* Each driver has one lie or fault. The answers to CloudStack are compared with the system itself. */

const skip = process.env['CI'] === undefined && pythonMissing;

interface Scene {
  readonly place: Place;
  readonly backend: Backend;
  readonly calls: readonly Done[];
  call(action: string, vm: Vm, state?: string): Promise<Done>;
  truthOf(vm: Vm): Promise<RemoteMachine | undefined>;
}

function install(place: Place, code: string): void {
  const good = readFileSync(goodDriver, 'utf8');
  assert.ok(good.includes('# a fault goes here'));
  const file = join(driversIn(place), 'wrong');
  writeFileSync(file, good.replace('# a fault goes here', code));
  chmodSync(file, 0o755);
}

function vm(id: number): Vm {
  const hex = id.toString(16).padStart(12, '0');
  return {
    ...{
      id,
      uuid: `8f4e2a6c-0e57-4a8b-a8d5-${hex}`,
      name: `i-2-${id}-VM`,
      cpus: 2,
      memoryMb: 1024,
    },
    nics: [
      {
        ...{ deviceId: 0, uuid: `0b6a2f0e-9a54-4d4e-8df2-${hex}`, vlan: 1577, ip: '10.1.1.23' },
        mac: `02:01:00:cd:${id.toString(16).padStart(2, '0')}:00`,
      },
    ],
    details: { 'External:template_id': 'debian-12' },
  };
}

/** The instance's machine runs, made by the good driver, before the driver is replaced. */
async function withWrong({ code, slow }: WrongDriver, play: (scene: Scene) => Promise<void>) {
  const place = makePlace({});
  configured(place);
  const backend = overState(place, 'wrong');
  const calls: Done[] = [];
  const scene: Scene = {
    ...{ place, backend, calls },
    async call(action, of, state) {
      const base = backend.details();
      const payload = payloadFor(action, {
        vm: of,
        host: {
          ...base,
          extension: { provider: 'command', installation: 'cloud-under-test' },
        },
        caller: action === 'status' || action === 'statuses' ? system : admin,
        ...(state === undefined ? {} : { state }),
      });
      const { registry } = backend;
      const timeoutSeconds = calls.length > 0 && slow === true ? 3 : 15;
      const done = await place.call(action, payload, { registry, timeoutSeconds });
      calls.push(done);
      return done;
    },
    truthOf: async ({ uuid }) => (await backend.machines()).find(({ mark }) => mark.includes(uuid)),
  };
  try {
    install(place, '');
    await backend.plant({ name: 'somebodys', power: 'on' });
    const made = await scene.call('create', vm(42));
    assert.equal(made.exitCode, 0, made.text);
    install(place, code);
    await play(scene);
  } finally {
    place.remove();
  }
}

/** A status tells the truth, or that it is not known. */
async function assertStatus({ call, truthOf }: Scene): Promise<void> {
  const { exitCode, document, text } = await call('status', vm(42));
  const power = (await truthOf(vm(42)))?.power;
  if (exitCode !== 0) return;
  const wanted = power === 'on' ? 'PowerOn' : 'PowerOff';
  assert.ok([wanted, 'PowerUnknown'].includes(String(document['power_state'])), text);
}

async function assertStatuses({ call, truthOf }: Scene): Promise<void> {
  const { exitCode, document, text } = await call('statuses', vm(42));
  if (exitCode !== 0) return;
  const power = (await truthOf(vm(42)))?.power;
  const states = document['power_state'] as Readonly<Record<string, string>>;
  const wanted = power === 'on' ? 'PowerOn' : 'PowerOff';
  assert.ok([wanted, 'PowerUnknown'].includes(states['i-2-42-VM'] ?? 'left out'), text);
}

describe('A driver with one lie or fault', { skip, concurrency: 3 }, () => {
  for (const wrong of wrongDrivers) {
    it(`that ${wrong.title} ends in a failure and never in "off", "gone" or a success`, async () => {
      await withWrong(wrong, async (scene) => {
        const { call, truthOf, backend } = scene;
        const strangers = async () =>
          (await backend.machines())
            .filter(({ remoteId }) => remoteId.startsWith('planted'))
            .map(({ all }) => all);
        const before = await strangers();
        await assertStatus(scene);
        await assertStatuses(scene);
        const other = vm(43);
        const created = await call('create', other);
        if (created.exitCode === 0) assert.equal((await truthOf(other))?.power, 'on', created.text);
        const stopped = await call('stop', vm(42), 'Running');
        const afterStop = await truthOf(vm(42));
        if (stopped.exitCode === 0) assert.notEqual(afterStop?.power ?? 'off', 'on', stopped.text);
        const started = await call('start', vm(42));
        if (started.exitCode === 0)
          assert.equal((await truthOf(vm(42)))?.power, 'on', started.text);
        const deleted = await call('delete', vm(42));
        if (deleted.exitCode === 0) assert.equal(await truthOf(vm(42)), undefined, deleted.text);
        assert.deepEqual(await strangers(), before, 'a stranger was touched');
        const said = scene.calls
          .slice(1)
          .map(({ text, document }) => String(document['error'] ?? text))
          .join('\n');
        assert.match(said, wrong.says);
        assert.doesNotMatch(said, /should not happen|something went wrong/);
      });
    });
  }

  it('there are more than twenty of them', () => {
    assert.ok(wrongDrivers.length > 20);
  });
});
