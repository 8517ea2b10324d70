import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  expectFailure,
  Failure,
  hasReason,
  isKind,
  isOutage,
  remoteMessage,
  reworded,
  statusOf,
  wasNotSent,
} from '../src/failure.ts';

const told = new Failure('conflict', 'MAAS will not deploy', {
  cause: new Error('below'),
  outage: true,
  remote: { status: 409, message: 'in use', sent: 'no' },
  reason: 'taken-away',
  facts: { machine: 'abc' },
  advice: 'Wait',
  tenant: 'The machine is busy',
});

describe('a predicate over what a catch was given', () => {
  it('knows what a Failure carries', () => {
    assert.deepEqual(
      [isKind(told, 'denied', 'conflict'), isOutage(told), hasReason(told, 'taken-away')],
      [true, true, true],
    );
    assert.deepEqual(
      [statusOf(told), remoteMessage(told), wasNotSent(told)],
      [409, 'in use', true],
    );
    const task = new Failure('upstream', 'The task failed', { remote: { exit: 'got timeout' } });
    assert.equal(remoteMessage(task), 'got timeout');
  });

  it('answers no for everything that is no Failure', () => {
    for (const thrown of [new TypeError('status'), { status: 409 }, undefined, 'text']) {
      assert.equal(isKind(thrown, 'internal', 'conflict'), false);
      assert.deepEqual([isOutage(thrown), hasReason(thrown, 'login')], [false, false]);
      assert.deepEqual(
        [statusOf(thrown), remoteMessage(thrown), wasNotSent(thrown)],
        [undefined, '', false],
      );
    }
  });
});

it('A reworded failure keeps all that code decides by and all that the log shows', () => {
  const again = reworded(told, { message: 'It could not be installed', advice: 'Redeploy it' });
  const { message, advice, ...kept } = { ...again, message: again.message };
  assert.deepEqual([message, advice], ['It could not be installed', 'Redeploy it']);
  const { advice: _, ...whole } = { ...told };
  assert.deepEqual({ ...kept }, whole);
  assert.equal(again.cause, told.cause);
});

it('A catch that expects a Failure throws a TypeError again, also one that was wrapped', () => {
  assert.equal(expectFailure(told), told);
  const mistake = new TypeError('x is not a function');
  for (const thrown of [mistake, Failure.from(mistake)]) {
    assert.throws(
      () => expectFailure(thrown),
      (caught) => caught === thrown,
    );
  }
});
