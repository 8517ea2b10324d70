import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  networkIdOf,
  readNetworkMark,
  writeNetworkMark,
} from '../../../src/lifecycle/network/mark.ts';

const mark = { installation: 'b3c9f0aa-1d3e-4f5a-9b0c-7d2e6a1f0c11', networkId: '227' };

describe('the mark of a remote network', () => {
  it('is read as it was written, also beside words of an operator', () => {
    const text = writeNetworkMark(mark);
    assert.match(text, /^[A-Za-z0-9.:_-]{1,100}$/, 'a Proxmox alias takes all of it');
    assert.deepEqual(readNetworkMark(text), mark);
    assert.deepEqual(readNetworkMark(`${text} tenant network of ACME`), mark);
  });

  it('is unreadable when another version wrote it or it was cut', () => {
    for (const text of [
      'outrigger:2:x:5',
      'outrigger:1:b3c9f0aa',
      'outrigger:1::5',
      'outrigger:',
    ]) {
      assert.equal(readNetworkMark(text), 'unreadable', text);
    }
    assert.equal(readNetworkMark('the DMZ'), undefined);
  });

  it('gives one id for each network of each installation', () => {
    const id = networkIdOf(mark, 8);
    assert.match(id, /^or[a-z0-9]{6}$/);
    assert.equal(networkIdOf({ ...mark }, 8), id);
    assert.notEqual(networkIdOf({ ...mark, networkId: '228' }, 8), id);
    assert.notEqual(networkIdOf({ ...mark, installation: 'other' }, 8), id);
  });
});
