import { escapeXml } from './escape.ts';
import { type Broken, tokens } from './tokens.ts';

/*
 * A document that is read, changed in a few places and written again: prefixes and everything that is
 * not asked for stay as they were.
 */

export interface XmlNode {
  /** As written, with its prefix. */
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (XmlNode | string)[];
}

/** Deeper than any description of a machine; the functions here walk by recursion. */
const deepest = 200;

/** The root of a document; throws what `broken` makes for anything that is no plain XML. */
export function readTree(document: string, broken: Broken): XmlNode {
  const root = draftOf('', {});
  const open = [root];
  for (const token of tokens(document, broken)) {
    const top = open[open.length - 1] ?? root;
    if (token.kind === 'text') {
      if (top !== root) top.children.push(token.text);
      else if (token.text.trim() !== '') throw broken('text stands outside of its elements');
    } else if (token.kind === 'open') {
      if (open.length > deepest) throw broken('it is nested too deeply');
      const draft = draftOf(token.tag, Object.fromEntries(token.attributes));
      top.children.push(draft);
      if (!token.empty) open.push(draft);
    } else if (top === root || open.pop()?.tag !== token.tag) {
      throw broken(`</${token.tag}> closes nothing`);
    }
  }
  const [first, second] = root.children.filter((each) => typeof each !== 'string');
  if (first === undefined || open.length > 1) throw broken('it ends too early');
  if (second !== undefined) throw broken('it has two roots');
  return first;
}

interface Draft extends XmlNode {
  readonly children: (XmlNode | string)[];
}

function draftOf(tag: string, attributes: XmlNode['attributes']): Draft {
  return { tag, attributes, children: [] };
}

export function writeTree({ tag, attributes, children }: XmlNode): string {
  const pairs = Object.entries(attributes).map(([name, value]) => ` ${name}="${escapeXml(value)}"`);
  const content = children.map((each) =>
    typeof each === 'string' ? escapeXml(each) : writeTree(each),
  );
  const opening = `<${tag}${pairs.join('')}`;
  return children.length === 0 ? `${opening}/>` : `${opening}>${content.join('')}</${tag}>`;
}

/** An element; attributes without a value are left out, and so are children. */
export function node(
  tag: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...children: readonly (XmlNode | string | undefined)[]
): XmlNode {
  const given = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  return {
    tag,
    attributes: Object.fromEntries(given),
    children: children.filter((each) => each !== undefined),
  };
}

/** The elements directly below that have this tag, in their order. */
export function below(within: XmlNode | undefined, tag: string): readonly XmlNode[] {
  return (within?.children ?? []).filter(
    (each): each is XmlNode => typeof each !== 'string' && each.tag === tag,
  );
}

/** The first element at the end of a path of tags. */
export function first(
  within: XmlNode | undefined,
  ...path: readonly string[]
): XmlNode | undefined {
  return path.reduce<XmlNode | undefined>((at, tag) => below(at, tag)[0], within);
}

/** The text directly inside. */
export function textIn(within: XmlNode | undefined): string {
  return (within?.children ?? []).filter((each) => typeof each === 'string').join('');
}
