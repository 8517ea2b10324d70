import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Mark } from '../../src/contract/machine.ts';
import { judge, readMark, withoutMark, writeMark } from '../../src/lifecycle/mark.ts';

const mark: Mark = {
  uuid: '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10',
  name: 'i-2-42-VM',
  installation: 'c1',
  remoteId: '101',
  state: 'building',
  origin: 'created',
};
const wanted = { uuid: mark.uuid, installation: 'c1', remoteId: '101' };

describe('a mark', () => {
  it('reads back what was written, beside the words of others', () => {
    for (const state of ['building', 'built'] as const) {
      for (const origin of ['created', 'adopted'] as const) {
        const written = { ...mark, state, origin };
        assert.deepEqual(readMark(`by hand\n${writeMark(written)}\n[x] {y}`), written);
      }
    }
    assert.equal(withoutMark(`by hand ${writeMark(mark)}`), 'by hand');
    for (const words of ['by hand', ' [x] {y}] ']) assert.equal(withoutMark(words), words);
  });

  it('is taken out of a text wherever it stands, and a damaged one stays for the operator to see', () => {
    const text = writeMark(mark);
    assert.equal(withoutMark(text), '');
    assert.equal(withoutMark(`${text}\nby hand`), 'by hand');
    assert.equal(withoutMark(`by ${text} hand `), 'by  hand');
    assert.equal(withoutMark(`by hand ${text.slice(0, -4)}`), `by hand ${text.slice(0, -4)}`);
  });

  it('is one line of ASCII', () => {
    assert.match(writeMark(mark), /^[\x20-\x7e]+$/);
  });

  it('of a later version is still read, by the parts that this one knows', () => {
    const later = writeMark(mark).replace('"v":1', '"v":2,"more":[1]');
    assert.deepEqual(readMark(later), mark);
  });

  it('that is damaged or there twice is unreadable, never absent', () => {
    const text = writeMark(mark);
    for (const broken of [
      text.slice(0, -4),
      text.replace('"uuid"', '"id2"'),
      text.replace('building', 'melting'),
      text.replace('"v":1', '"v":"1"'),
      `${text} ${text}`,
      '[outrigger:]',
      '[outrigger:null}]',
    ]) {
      assert.equal(readMark(broken), 'unreadable', broken);
    }
    assert.equal(readMark('no mark here'), undefined);
    assert.equal(readMark(''), undefined);
  });

  it('proves ours, exposes copies and keeps everybody else’s', () => {
    const verdict = (change: Partial<Mark>) => judge({ ...mark, ...change }, wanted);
    assert.equal(verdict({}), 'ours');
    assert.equal(verdict({ remoteId: '102' }), 'copy');
    assert.equal(verdict({ uuid: '11111111-2222-4333-8444-555555555555' }), 'foreign');
    assert.equal(verdict({ remoteId: '' }), 'ours', 'made by a system that chooses the id');
    assert.equal(verdict({ remoteId: '', state: 'built' }), 'copy');
    assert.equal(verdict({ installation: 'c2' }), 'foreign');
    assert.equal(verdict({ installation: '' }), 'ours', 'made before the installation had a name');
    assert.equal(
      judge({ ...mark, installation: 'c1' }, { ...wanted, installation: '' }),
      'foreign',
    );
    assert.equal(judge(undefined, wanted), 'unmarked');
    assert.equal(judge('unreadable', wanted), 'unreadable');
  });
});
