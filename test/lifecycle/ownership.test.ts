import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Choice, Machine, Mark } from '../../src/contract/machine.ts';
import { overview } from '../../src/lifecycle/overview.ts';
import { type Claim, chooseOwn } from '../../src/lifecycle/ownership.ts';
import { refusal } from '../../src/lifecycle/refusals.ts';

const claim: Claim = {
  uuid: '11111111-1111-4111-8111-111111111111',
  name: 'i-2-42-VM',
  installation: 'ours',
  storedId: '100',
  adoptUnmarked: false,
};

function mark(remoteId: string, more: Partial<Mark> = {}): Mark {
  const { uuid, name, installation } = claim;
  return { uuid, name, installation, remoteId, state: 'built', origin: 'created', ...more };
}

function machine(remoteId: string, more: Partial<Machine> = {}): Machine {
  return { remoteId, name: claim.name, mark: mark(remoteId), ...more };
}

function short(choice: Choice<Machine>): string {
  if (choice.kind === 'missing') return 'missing';
  if (choice.kind === 'doubtful') {
    return `${choice.doubt} ${choice.machines.map(({ remoteId }) => remoteId).join(' ')}`;
  }
  if (choice.kind === 'leaving')
    return `leaving ${choice.machines.map(({ remoteId }) => remoteId)}`;
  return `${choice.kind} ${choice.machine.remoteId}`;
}

const stranger = { uuid: '22222222-2222-4222-8222-222222222222', name: 'i-2-43-VM' };

describe('chooseOwn', () => {
  it('finds the machine by its mark wherever it is, whatever the stored id says', () => {
    assert.equal(short(chooseOwn([machine('7')], claim)), 'own 7');
    assert.equal(short(chooseOwn([machine('7')], { ...claim, storedId: undefined })), 'own 7');
  });

  it('proves a machine missing among machines of others', () => {
    assert.equal(short(chooseOwn([], claim)), 'missing');
    assert.equal(short(chooseOwn([machine('7', { mark: mark('7', stranger) })], claim)), 'missing');
  });

  it('does not count a stored id that points at another instance’s machine', () => {
    const theirs = machine('100', { name: stranger.name, mark: mark('100', stranger) });
    assert.equal(short(chooseOwn([theirs], claim)), 'missing');
    assert.equal(short(chooseOwn([theirs, machine('7')], claim)), 'own 7');
  });

  it('does not see machines of another installation, once a mark names this one', () => {
    const elsewhere = machine('100', { mark: mark('100', { installation: 'theirs' }) });
    const known = machine('8', { mark: mark('8', stranger) });
    assert.equal(short(chooseOwn([elsewhere, known], claim)), 'missing');
    assert.equal(short(chooseOwn([elsewhere], claim, true)), 'missing');
    assert.equal(short(chooseOwn([elsewhere], claim)), 'installation 100');
    const { uuid } = stranger;
    const unrelated = machine('9', { mark: mark('9', { uuid, installation: 'theirs' }) });
    assert.equal(short(chooseOwn([unrelated], claim)), 'missing');
  });

  it('takes a mark from before the installation had a name for its own', () => {
    const early = machine('7', { mark: mark('7', { installation: '' }) });
    assert.equal(short(chooseOwn([early], claim)), 'own 7');
  });

  it('exposes a copy beside the machine, and a copy alone', () => {
    const copy = machine('8', { mark: mark('7') });
    assert.equal(short(chooseOwn([machine('7'), copy], claim)), 'duplicate 7 8');
    assert.equal(short(chooseOwn([copy], claim)), 'copy 8');
  });

  it('exposes two machines that both carry a fitting mark', () => {
    assert.equal(short(chooseOwn([machine('7'), machine('8')], claim)), 'duplicate 7 8');
  });

  it('does not let a template made from a copy stand in the way of the machine', () => {
    const template = machine('9', { mark: mark('7'), template: true });
    assert.equal(short(chooseOwn([machine('7'), template], claim)), 'own 7');
    assert.equal(short(chooseOwn([template], claim)), 'missing');
  });

  it('refuses the machine itself once it is a template', () => {
    assert.equal(short(chooseOwn([machine('7', { template: true })], claim)), 'template 7');
  });

  it('refuses unmarked machines that may be the instance’s', () => {
    const named = machine('5', { mark: undefined });
    const pointedAt = machine('100', { mark: undefined, name: 'web server' });
    const other = machine('6', { mark: undefined, name: 'web server' });
    assert.equal(short(chooseOwn([named], claim)), 'unmarked 5');
    assert.equal(short(chooseOwn([pointedAt], claim)), 'unmarked 100');
    assert.equal(short(chooseOwn([other], claim)), 'missing');
    assert.equal(short(chooseOwn([named, machine('7')], claim)), 'own 7');
  });

  it('refuses a mark that cannot be read where it may be the instance’s', () => {
    const named = machine('5', { mark: 'unreadable' });
    const unseen = machine('6', { mark: 'unreadable', name: undefined });
    const other = machine('8', { mark: 'unreadable', name: stranger.name });
    assert.equal(short(chooseOwn([named], claim)), 'unreadable 5');
    assert.equal(short(chooseOwn([unseen], claim)), 'unreadable 6');
    assert.equal(short(chooseOwn([other], claim)), 'missing');
    assert.equal(short(chooseOwn([unseen, machine('7')], claim)), 'own 7');
  });

  it('answers with the machines that are leaving only when the instance has no other', () => {
    const going = [machine('7', { leaving: true }), machine('8', { leaving: true })];
    const theirs = machine('9', { leaving: true, mark: mark('9', stranger) });
    const named = machine('5', { mark: undefined });
    assert.equal(short(chooseOwn([...going, theirs], claim)), 'leaving 7,8');
    assert.equal(short(chooseOwn([...going, machine('6')], claim)), 'own 6');
    assert.equal(short(chooseOwn([...going, named], claim)), 'unmarked 5');
    assert.equal(short(chooseOwn([theirs], claim)), 'missing');
    assert.equal(
      short(chooseOwn([machine('5', { mark: undefined, leaving: true })], claim)),
      'missing',
    );
  });

  it('takes a mark that has outlived the remote system’s record of owners for no ownership', () => {
    const lost = machine('7', { disowned: 'belongs to user juju' });
    const going = machine('8', { disowned: 'belongs to user juju', leaving: true });
    for (const each of [lost, going]) {
      assert.equal(short(chooseOwn([each], claim)), `disowned ${each.remoteId}`);
      assert.equal(short(chooseOwn([each, machine('9')], claim)), 'own 9', 'it has another one');
    }
    assert.equal(short(chooseOwn([going, machine('9', { leaving: true })], claim)), 'leaving 9');
    const partial = { ...lost, mark: mark('7', { state: 'building' }) };
    assert.equal(short(chooseOwn([partial], claim)), 'missing', 'it was never finished');
    const { message } = refusal({ doubt: 'disowned', machines: [lost] }, claim);
    assert.match(message, /7 carries its mark, but belongs to user juju$/);
  });

  it('does not take a machine without a name and without a mark for one that cannot be seen', () => {
    const nameless = machine('6', { mark: undefined, name: undefined });
    assert.equal(short(chooseOwn([nameless], claim)), 'missing');
  });

  it('takes over only when setting, name, stored id, kind and loneliness all agree', () => {
    for (let bits = 0; bits < 32; bits += 1) {
      const is = (bit: number): boolean => (bits & (1 << bit)) !== 0;
      const candidate = machine(is(2) ? '100' : '101', {
        mark: undefined,
        name: is(1) ? claim.name : claim.name.toLowerCase(),
        template: !is(3),
      });
      const second = is(4) ? [] : [machine('55', { mark: undefined })];
      const choice = chooseOwn([candidate, ...second], { ...claim, adoptUnmarked: is(0) });
      const expected = bits === 31 ? 'adoptable' : 'doubtful';
      assert.equal(choice.kind, expected, `combination ${bits.toString(2)}`);
    }
  });

  it('takes nothing over while there is a machine that cannot be read', () => {
    const candidate = machine('100', { mark: undefined });
    const unseen = machine('6', { mark: 'unreadable', name: undefined });
    const choice = chooseOwn([candidate, unseen], { ...claim, adoptUnmarked: true });
    assert.equal(short(choice), 'unreadable 6');
  });
});

describe('refusal', () => {
  it('says for every doubt why it refuses and what the operator can do', () => {
    for (const [doubt, why, advice] of [
      ['duplicate', /carry its mark, and only one/, /Remove the mark from the copy/],
      ['copy', /it is a copy/, /outrigger adopt/],
      ['template', /is a template now/, /Make a machine of it again/],
      ['unmarked', /carries no mark/, /adopt_unmarked/],
      ['unreadable', /cannot be read/, /until its mark is repaired.*outrigger adopt/],
      ['disowned', /carries its mark, but/, /record of the remote system counts, not the mark/],
    ] as const) {
      const failure = refusal({ doubt, machines: [machine('7')] }, claim);
      assert.match(failure.message, why);
      assert.match(failure.advice ?? '', advice);
      assert.match(failure.tenant ?? '', /nothing was changed/);
    }
  });

  it('names no setting that the provider lacks', () => {
    const given = { doubt: 'unmarked' as const, machines: [machine('7')] };
    const { advice } = refusal(given, { ...claim, adoptUnmarked: undefined });
    assert.match(advice ?? '', /outrigger adopt/);
    assert.doesNotMatch(advice ?? '', /adopt_unmarked/);
  });

  it('names the machines to the operator and nobody to the tenant', () => {
    const choice = { doubt: 'duplicate' as const, machines: [machine('7'), machine('8')] };
    const failure = refusal(choice, claim);
    assert.equal(failure.kind, 'conflict');
    assert.match(failure.message, /i-2-42-VM.*7 and 8/);
    assert.ok(failure.advice);
    assert.doesNotMatch(failure.tenant ?? '7', /[78]/);
    const { doubt, machines } = choice;
    assert.deepEqual(failure.facts, { doubt, uuid: claim.uuid, machines }, 'for the log');
  });
});

describe('overview', () => {
  it('is certain of machines that are alone with their mark', () => {
    const theirs = machine('9', { mark: mark('9', { ...stranger, installation: 'theirs' }) });
    const { certain, doubtful, unseen } = overview([machine('7'), theirs], 'ours');
    assert.deepEqual(
      certain.map(({ machine: { remoteId } }) => remoteId),
      ['7'],
    );
    assert.deepEqual([doubtful, unseen], [[], []]);
  });

  it('is in doubt about duplicates, copies and templates with a mark, under the marked name', () => {
    const cases = [
      [machine('7'), machine('8', { name: 'copy', mark: mark('7') })],
      [machine('8', { name: 'copy', mark: mark('7') })],
      [machine('7', { template: true })],
    ];
    for (const candidates of cases) {
      const { certain, doubtful } = overview(candidates, 'ours');
      assert.deepEqual(certain, []);
      assert.deepEqual(doubtful, [{ name: claim.name, machines: candidates }]);
    }
  });

  it('keeps unmarked machines and unreadable marks in the report under their own names', () => {
    const unmarked = machine('5', { mark: undefined, name: 'i-2-50-VM' });
    const unreadable = machine('6', { mark: 'unreadable', name: 'i-2-51-VM' });
    const template = machine('9', { mark: undefined, name: 'debian', template: true });
    const { doubtful } = overview([unmarked, unreadable, template], 'ours');
    assert.deepEqual(doubtful, [
      { name: 'i-2-50-VM', machines: [unmarked] },
      { name: 'i-2-51-VM', machines: [unreadable] },
    ]);
  });

  it('is in doubt about a machine that only its mark still gives to the instance', () => {
    const lost = machine('7', { disowned: 'belongs to user juju' });
    const { certain, doubtful } = overview([lost], 'ours');
    assert.deepEqual([certain, doubtful], [[], [{ name: claim.name, machines: [lost] }]]);
    assert.equal(overview([lost, machine('8')], 'ours').certain.length, 1);
  });

  it('lets a certain machine stand against unmarked ones of the same name', () => {
    const { certain, doubtful } = overview(
      [machine('7'), machine('5', { mark: undefined })],
      'ours',
    );
    assert.equal(certain.length, 1);
    assert.deepEqual(doubtful, []);
  });

  it('lets a name stand for one machine only, since two CloudStacks may use it', () => {
    const unnamed = (id: string, uuid: string) =>
      machine(id, { mark: mark(id, { uuid, installation: '' }) });
    const [one, two] = [
      unnamed('5', '11111111-2222-4333-8444-555555555555'),
      unnamed('6', '11111111-2222-4333-8444-666666666666'),
    ];
    const told = (candidates: readonly ReturnType<typeof machine>[]) => {
      const { certain, doubtful } = overview(candidates, 'ours');
      return [certain.map((c) => c.machine.remoteId), doubtful.map(({ name }) => name)];
    };
    assert.deepEqual(told([one]), [['5'], []], 'marked before the installation had a name');
    assert.deepEqual(told([one, machine('7')]), [['7'], []], 'ours stands against an unnamed one');
    assert.deepEqual(told([one, two]), [[], [claim.name, claim.name]]);
  });

  it('is in doubt about a machine that is leaving unless its instance has another one', () => {
    const going = machine('7', { leaving: true });
    const theirs = machine('9', {
      leaving: true,
      mark: mark('9', { ...stranger, installation: 'theirs' }),
    });
    assert.deepEqual(overview([going, theirs], 'ours'), {
      certain: [],
      doubtful: [{ name: claim.name, machines: [going] }],
      unseen: [],
    });
    const { certain, doubtful } = overview([going, machine('8')], 'ours');
    assert.deepEqual([certain.length, doubtful], [1, []]);
  });

  it('counts each instance for itself', () => {
    const others = ['2', '3'].map((id) =>
      machine(id, { name: `i-2-${id}-VM`, mark: mark(id, { uuid: id, name: `i-2-${id}-VM` }) }),
    );
    const { certain } = overview([machine('7'), ...others], 'ours');
    assert.deepEqual(
      certain.map(({ mark }) => mark.name),
      [claim.name, 'i-2-2-VM', 'i-2-3-VM'],
    );
  });

  it('never counts a machine whose mark is read among those that cannot be seen', () => {
    const nameless = machine('7', { name: undefined });
    const { certain, doubtful, unseen } = overview([nameless], 'ours');
    assert.deepEqual([certain.length, doubtful, unseen], [1, [], []]);
  });

  it('names the machines that may be anybody’s', () => {
    const unseen = machine('6', { mark: 'unreadable', name: undefined });
    assert.deepEqual(overview([unseen], 'ours').unseen, [unseen]);
  });
});
