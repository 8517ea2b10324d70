import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { splitTimeout } from '../../src/cloudstack/split-timeout.ts';
import { registry } from '../../src/providers/index.ts';

describe('the time that CloudStack allows', () => {
  it('every time-out leaves time for work, undo and answer', () => {
    for (const seconds of [1, 2, 3, 5, 60, 1800, 2_147_483]) {
      for (const action of ['create', 'status', 'statuses', 'Look']) {
        const { endMs, undoEndMs, answerMs } = splitTimeout(action, seconds);
        const what = `${action} ${seconds}: ${endMs} ${undoEndMs} ${answerMs}`;
        assert.ok(endMs > 400, what);
        assert.ok(undoEndMs - endMs >= 250, what);
        assert.ok(answerMs - undoEndMs >= 50, what);
        assert.ok(seconds * 1000 - answerMs >= 250, what);
      }
    }
  });

  it('a custom action with the default of three seconds has two for its work', () => {
    assert.ok(splitTimeout('Look', 3).endMs >= 2000);
  });

  it('the margins of a long time-out are limited', () => {
    const { endMs, answerMs } = splitTimeout('create', 1800);
    assert.equal(answerMs, 1_798_000);
    assert.equal(endMs, 1_798_000 - 50 - 30_000);
  });

  it('status calls get less, since they block the ping of their host', () => {
    assert.ok(splitTimeout('status', 1800).answerMs < 8_000);
    assert.ok(splitTimeout('statuses', 1800).answerMs < 20_000);
    assert.deepEqual(splitTimeout('status', 2), splitTimeout('create', 2));
    const chosen = { status: 15, statuses: 40 };
    assert.deepEqual(splitTimeout('status', 1800, chosen), splitTimeout('create', 15));
    assert.deepEqual(splitTimeout('statuses', 1800, chosen), splitTimeout('create', 40));
    assert.deepEqual(splitTimeout('create', 1800, chosen), splitTimeout('create', 1800));
  });

  it('no custom action is named like a status call, so none gets less', async () => {
    const providers = await Promise.all(Object.values(registry).map((load) => load()));
    const names = providers.flatMap(({ actions }) => Object.keys(actions));
    assert.ok(names.includes('CreateSnapshot'));
    assert.deepEqual(
      names.filter((name) => /^status(es)?$/i.test(name)),
      [],
    );
  });
});
