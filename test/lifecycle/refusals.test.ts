import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Failure } from '../../src/failure.ts';
import * as refusals from '../../src/lifecycle/refusals.ts';
import { instance } from './subject.ts';

const machine = { remoteId: '4711', name: 'vm', mark: undefined };
const other = { ...machine, remoteId: '4712' };

const all: Readonly<Record<string, Failure>> = {
  missing: refusals.missing(instance),
  leaving: refusals.leavingMachines(instance, [machine, other]),
  unfinished: refusals.unfinished(machine, instance),
  'not running': refusals.notRunning(machine, instance, 'saved'),
  'other hardware': refusals.otherHardware(machine, instance, 'on'),
  guarded: refusals.guarded(machine, instance, 'is protected'),
  'being removed': refusals.beingRemoved(machine, instance),
  'changed meanwhile': refusals.changedMeanwhile(machine, instance),
  'refused adoption': refusals.refusedAdoption('4711', instance, 'it is a template'),
};

for (const [name, failure] of Object.entries(all)) {
  it(`the refusal for "${name}" names the instance to the operator and no machine to the tenant`, () => {
    assert.equal(failure.kind, name === 'missing' ? 'not-found' : 'conflict');
    assert.ok(failure.message.includes(instance.name), failure.message);
    if (name !== 'missing') assert.ok(failure.message.includes('4711'), failure.message);
    assert.doesNotMatch(failure.tenant ?? 'none', /^$|471|i-2-42/);
  });
}

it('a refusal says to the operator what to do where something can be done', () => {
  const advice = Object.entries(all).map(([name, failure]) => [name, failure.advice]);
  assert.deepEqual(Object.fromEntries(advice), {
    missing: undefined,
    leaving: undefined,
    unfinished: 'Stop the instance, which removes it',
    'not running': 'Start it first',
    'other hardware': 'Stop it first',
    guarded: 'Take the protection off if it may go',
    'being removed': 'Try again when that call has ended',
    'changed meanwhile': 'Look at it with `outrigger audit`, then try again',
    'refused adoption': 'Look at both with `outrigger audit`',
  });
});

it('a tenant reads a sentence about the own instance where the operator’s one names a machine', () => {
  const { leaving, unfinished, 'not running': notRunning, guarded } = all;
  assert.deepEqual(
    [leaving, unfinished, notRunning, guarded].map((failure) => failure?.tenant),
    [
      'The machine of this instance is being given back',
      'The instance was never finished',
      'The instance is not running',
      'The machine of this instance is protected against removal; ask your administrator',
    ],
  );
});

it('the refusal for other hardware says the state in words, and never to stop what is saved', () => {
  for (const [state, words, advice] of [
    ['on', 'is running with', 'Stop it first'],
    ['paused', 'is paused with', 'Stop it first'],
    ['off', 'is off with', 'Stop it first'],
    ['saved', 'is saved to disk with', 'Resume it on its old network, or delete it'],
    ['unknown', 'is in an unknown state with', 'Stop it first'],
  ] as const) {
    const failure = refusals.otherHardware(machine, instance, state);
    assert.ok(failure.message.includes(words), failure.message);
    assert.equal(failure.advice, advice);
  }
});

it('machines that cannot be read are all named, and the operator is told what this stops', () => {
  const failure = refusals.unreadableMachines([machine, other]);
  assert.equal(failure.kind, 'upstream');
  assert.match(failure.message, /4711, 4712 cannot be read/);
  assert.equal(failure.advice, 'Until they can be read, no machine can be proved missing');
});

it('a missing machine is told by the name and the uuid of its instance', () => {
  const { name, uuid } = instance;
  assert.equal(all['missing']?.message, `There is no machine of ${name} (${uuid})`);
});

it('machines that are being given back are all named', () => {
  assert.match(all['leaving']?.message ?? '', /4711 and 4712/);
});
