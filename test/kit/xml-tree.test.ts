import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { below, first, node, readTree, textIn, writeTree } from '../../src/kit/xml/tree.ts';

const broken = (why: string) => new Error(`broken: ${why}`);
const read = (text: string) => readTree(text, broken);

describe('the tree of an XML document', () => {
  it('is written as it was read, with prefixes, order and text between the elements', () => {
    const text =
      '<a:one xmlns:a="urn:x" b="1 &#60; 2">text<two/> more<a:three c="d">&#38;</a:three></a:one>';
    assert.equal(writeTree(read(text)), text);
  });

  it('has comments, instructions and CDATA taken out or read as text', () => {
    const tree = read('<?xml version="1.0"?><!-- c --><one><![CDATA[a < b]]></one>');
    assert.equal(textIn(tree), 'a < b');
  });

  it('leads to elements by their tags', () => {
    const tree = read('<one><two><three x="1"/><three x="2"/></two><two/></one>');
    assert.equal(below(tree, 'two').length, 2);
    assert.equal(first(tree, 'two', 'three')?.attributes['x'], '1');
    assert.equal(first(tree, 'two', 'none', 'three'), undefined);
  });

  it('cannot be broken out of by a text or an attribute', () => {
    const hostile = `"/><x y='`;
    const tree = node(
      'one',
      { a: hostile, b: undefined },
      node('two', {}, `</one>${hostile}`),
      undefined,
    );
    const again = read(writeTree(tree));
    assert.deepEqual(again, tree);
  });

  for (const [text, why] of [
    ['<one>', /ends too early/],
    ['<one></two>', /closes nothing/],
    ['<one/><two/>', /two roots/],
    ['<one/>text', /outside/],
    ['', /ends too early/],
    ['<one a="1" a=2/>', /cannot be read/],
    ['<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', /cannot be read/],
    ['<a>'.repeat(300), /too deeply/],
  ] as const) {
    it(`is refused for ${text.slice(0, 30) || 'an empty text'}`, () => {
      assert.throws(() => read(text), why);
    });
  }
});
