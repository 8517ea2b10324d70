import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createUnframer, frame } from '../../../src/providers/libvirt/api/messages.ts';
import { createReader, optional, text, u32, u64 } from '../../../src/providers/libvirt/api/xdr.ts';

const message = {
  ...{ program: 0x20008086, procedure: 273, type: 1, serial: 7, status: 0 },
  body: text('i-2-42-VM'),
};

describe('the messages of libvirt', () => {
  it('are the same after they were cut into single bytes', () => {
    const unframe = createUnframer();
    const bytes = Buffer.concat([frame(message), frame({ ...message, serial: 8 })]);
    const found = [...bytes].flatMap((byte) => unframe(Buffer.from([byte])));
    assert.deepEqual(
      found.map(({ serial, body }) => [serial, body.toString('hex')]),
      [7, 8].map((serial) => [serial, message.body.toString('hex')]),
    );
  });

  it('are the same when several come in one piece', () => {
    const unframe = createUnframer();
    const bytes = Buffer.concat([frame(message), frame(message), frame(message).subarray(0, 3)]);
    assert.equal(unframe(bytes).length, 2);
    assert.equal(unframe(frame(message).subarray(3)).length, 1);
  });

  for (const length of [0, 27, 0x7fffffff]) {
    it(`are refused with a length of ${length}, as another protocol would send`, () => {
      assert.throws(() => createUnframer()(u32(length)), /does not speak the protocol of libvirt/);
    });
  }
});

describe('the values of XDR', () => {
  it('are read as they were written', () => {
    const bytes = [u32(5), u64(2 ** 40), text('ä'), optional(undefined), optional('x'), u32(2)];
    const reader = createReader(Buffer.concat([...bytes, text('one'), text('three')]));
    assert.deepEqual(
      [reader.u32(), reader.u64(), reader.text(), reader.optional(), reader.optional()],
      [5, 2 ** 40, 'ä', undefined, 'x'],
    );
    assert.deepEqual(
      reader.list((each) => each.text()),
      ['one', 'three'],
    );
  });

  it('fill up to four bytes', () => {
    assert.equal(text('abcde').length, 12);
    assert.equal(u32(-1).readInt32BE(), -1);
  });

  for (const bytes of [u32(9), Buffer.concat([u32(4), Buffer.from('ab')]), Buffer.from([0, 0])]) {
    it(`are refused where ${bytes.toString('hex')} ends too early`, () => {
      assert.throws(() => createReader(bytes).text(), /ends too early/);
      assert.throws(() => createReader(bytes).list((each) => each.u32()), /ends too early/);
    });
  }
});
