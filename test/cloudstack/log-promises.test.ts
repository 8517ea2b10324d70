import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { mayChange } from '../../src/cloudstack/request.ts';
import type { Actions } from '../../src/contract/action.ts';
import type { Context } from '../../src/contract/context.ts';
import { Failure } from '../../src/failure.ts';
import { maas } from '../../src/providers/maas/index.ts';
import { simulator } from '../../src/providers/simulator/index.ts';
import { type Done, finish, makePlace, type Place } from '../support/world.ts';
import { ledger, type Members } from './ledger.ts';
import { changed, recorded } from './recorded.ts';

const dead = new Failure('unreachable', 'The ledger does not answer');

/** A place whose provider can be told anew before each call. */
function placed(): Place & { provide(members: Members): void } {
  let members: Members = {};
  const place = makePlace({ ledger: async () => ledger(members).provider });
  return {
    ...place,
    provide(given) {
      members = given;
    },
  };
}

/** The lines that a log at its usual level holds. */
function lines(place: Place) {
  return place.log().filter(({ level }) => level !== 'debug');
}

/** All that the failure memo of the place holds. */
function memoOf({ folder }: Place): readonly string[] {
  const memo = join(folder, 'log/outrigger-memo');
  return readdirSync(memo).map((file) => readFileSync(join(memo, file), 'utf8'));
}

function customCall(place: Place, action: string): Promise<Done> {
  const payload = changed(recorded('custom'), ['caller', 'roletype'], 'Admin');
  const parameters = { confirm: payload['virtualmachinename'] };
  return place.call(action, { ...payload, action, parameters });
}

describe('the log', () => {
  it('has the begin of every call that may change something before the provider is asked', async (t) => {
    const place = placed();
    t.after(place.remove);
    const changing = ['prepare', 'create', 'start', 'stop', 'reboot', 'delete'];
    let before: unknown[] = [];
    const opening = (): void => {
      before = lines(place).map(({ event, action, vm }) => [event, action, vm]);
    };
    place.provide({ opening });
    const uuid = recorded('create')['virtualmachineid'];
    for (const action of changing) {
      await place.call(action, recorded(action));
      assert.deepEqual(before.at(-1), ['begin', action, uuid]);
    }
    await customCall(place, 'Wipe');
    assert.deepEqual(before.at(-1), ['begin', 'Wipe', uuid]);
    const count = lines(place).filter(({ event }) => event === 'begin').length;
    for (const action of ['status', 'statuses', 'getconsole']) {
      await place.call(action, recorded(action));
    }
    assert.equal(lines(place).filter(({ event }) => event === 'begin').length, count);
  });

  it('has the begin of each custom action but of those that only show', () => {
    // ClearFailures finds a machine that is shown, and changes another one.
    const begins = (name: string, actions: Actions): boolean => {
      const action = actions[name];
      assert.ok(action, name);
      return mayChange({ row: undefined, custom: { name, action, isOwn: false } });
    };
    assert.equal(begins('ClearFailures', maas.actions), true);
    assert.equal(begins('CreateSnapshot', simulator.actions), true);
    assert.equal(begins('ListSnapshots', simulator.actions), false);
    assert.equal(begins('GetDetails', maas.actions), false);
  });

  it('has the reference of every answer, also of one that repeats what an earlier call met', async (t) => {
    const place = placed();
    t.after(place.remove);
    const fails = async (): Promise<never> => {
      throw dead;
    };
    place.provide({ power: fails, powers: fails, create: fails, stop: fails });
    const answers: Done[] = [];
    for (const action of ['status', 'status', 'statuses', 'create', 'stop', 'status']) {
      answers.push(await place.call(action, recorded(action)));
    }
    const file = place.payload(recorded('status'));
    for (const argv of [[], ['status', file, 'soon'], ['statsu']]) {
      answers.push(await finish(place.begin(argv)));
    }
    answers.push(await place.call('status', 'no JSON'), await customCall(place, 'Nothing'));
    const found = new Set(lines(place).map(({ ref }) => ref));
    for (const { document, text } of answers) {
      assert.ok(found.has(document['ref']), text);
      assert.match(String(document['error']), new RegExp(`\\(ref ${document['ref']}\\)$`));
    }
    const [first, second] = answers;
    assert.equal(second?.document['ref'], first?.document['ref'], 'that of the call which asked');
    // The storm of calls after an outage does not fill the log.
    assert.equal(lines(place).filter(({ action }) => action === 'status').length, 2);
  });

  it('has no warning each minute where no machine was ever made, and the answer no reference', async (t) => {
    const place = placed();
    t.after(place.remove);
    const nothing = new Failure('not-found', 'No machine here', { reason: 'nothing-made' });
    place.provide({
      powers: async () => {
        throw nothing;
      },
    });
    const { document, exitCode } = await place.call('statuses', recorded('statuses'));
    assert.equal(exitCode, 1);
    assert.deepEqual(document, { status: 'error', error: 'No machine here.' });
    assert.deepEqual(lines(place), []);
  });
});

describe('what a call knows of an outage', () => {
  it('a create and a stop ask a system that was unreachable again, but told not to wait for long', async (t) => {
    const place = placed();
    t.after(place.remove);
    const suspects: (boolean | undefined)[] = [];
    const opening = ({ suspect }: Context): void => void suspects.push(suspect);
    const fails = async (): Promise<never> => {
      throw dead;
    };
    place.provide({ opening, create: fails, stop: fails });
    for (const action of ['create', 'stop', 'create']) await place.call(action, recorded(action));
    assert.deepEqual(suspects, [false, true, true]);
    // It is well again: nothing makes it look dead, and the next call waits as usual.
    place.provide({ opening });
    for (const action of ['create', 'stop']) {
      assert.equal((await place.call(action, recorded(action))).exitCode, 0);
    }
    assert.deepEqual(suspects.slice(3), [true, false]);
  });

  it('a wait that was short for the memory alone does not renew it', async (t) => {
    const place = placed();
    t.after(place.remove);
    const suspects: (boolean | undefined)[] = [];
    const opening = ({ suspect }: Context): void => void suspects.push(suspect);
    const slow = new Failure('unreachable', 'No answer within 5 s', { reason: 'short-wait' });
    const fails = (failure: Failure) => ({
      opening,
      create: async (): Promise<never> => {
        throw failure;
      },
    });
    place.provide(fails(dead));
    await place.call('create', recorded('create'));
    const note = memoOf(place);
    place.provide(fails(slow));
    await place.call('create', recorded('create'));
    assert.deepEqual(suspects, [false, true]);
    assert.deepEqual(memoOf(place), note);
  });

  it('a status that ran out of time makes no system suspect', async (t) => {
    const place = placed();
    t.after(place.remove);
    const suspects: (boolean | undefined)[] = [];
    place.provide({
      opening: ({ suspect }) => void suspects.push(suspect),
      power: async () => {
        throw new Failure('timeout', 'Gave up');
      },
    });
    await place.call('status', recorded('status'));
    await place.call('create', recorded('create'));
    assert.deepEqual(suspects, [false, false]);
  });
});
