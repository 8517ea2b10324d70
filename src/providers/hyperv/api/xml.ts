import { Failure } from '../../../failure.ts';
import { type Opening, tokens } from '../../../kit/xml/tokens.ts';

/** One element; names are told by namespace and local name, since a server may choose any prefix. */
export interface Element {
  readonly namespace: string;
  readonly name: string;
  /** By local name, or `namespace name` for those with a prefix. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** The text directly inside, as it stands. */
  readonly text: string;
}

/** WinRM's answers go some ten elements deep; the functions here walk through them by recursion. */
const deepest = 200;

/** The root element of a document; fails with `upstream` for anything that is no plain XML. */
export function readXml(document: string): Element {
  const open: Draft[] = [];
  let root: Element | undefined;
  for (const token of tokens(document, broken)) {
    const top = open[open.length - 1];
    if (token.kind === 'text') {
      if (top !== undefined) top.text += token.text;
      else if (token.text.trim() !== '') throw broken('text stands outside of its elements');
    } else if (token.kind === 'open') {
      if (top === undefined && root !== undefined) throw broken('it has two roots');
      const draft = begin(token, top?.scope ?? noScope);
      if (open.length >= deepest) throw broken('it is nested too deeply');
      open.push(draft);
      (top?.children ?? []).push(draft);
      if (top === undefined) root = draft;
      if (token.empty) open.pop();
    } else if (open.pop()?.tag !== token.tag) throw broken(`</${token.tag}> closes nothing`);
  }
  if (root === undefined || open.length > 0) throw broken('it ends too early');
  return root;
}

/** All elements of that name below, in document order. */
export function findAll(within: Element, namespace: string, name: string): readonly Element[] {
  return within.children.flatMap((child) => [
    ...(child.namespace === namespace && child.name === name ? [child] : []),
    ...findAll(child, namespace, name),
  ]);
}

export function find(within: Element, namespace: string, name: string): Element | undefined {
  return findAll(within, namespace, name)[0];
}

interface Draft extends Element {
  readonly tag: string;
  readonly scope: Scope;
  readonly children: Element[];
  text: string;
}

/** Namespaces by prefix; the default one under the empty prefix. */
type Scope = Readonly<Record<string, string>>;

const noScope: Scope = { xml: 'http://www.w3.org/XML/1998/namespace', '': '' };

function begin({ tag, attributes }: Opening, outer: Scope): Draft {
  const scope: Record<string, string> = { ...outer };
  const plain: (readonly [name: string, value: string])[] = [];
  for (const [name, value] of attributes) {
    if (name === 'xmlns') scope[''] = value;
    else if (name.startsWith('xmlns:')) scope[name.slice(6)] = value;
    else plain.push([name, value]);
  }
  return {
    tag,
    scope,
    ...resolve(tag, scope),
    attributes: Object.fromEntries(plain.map(([name, value]) => [keyOf(name, scope), value])),
    children: [],
    text: '',
  };
}

/** The default namespace is not for attributes. */
function keyOf(attribute: string, scope: Scope): string {
  if (!attribute.includes(':')) return attribute;
  const { namespace, name } = resolve(attribute, scope);
  return `${namespace} ${name}`;
}

function resolve(tag: string, scope: Scope): { readonly namespace: string; readonly name: string } {
  const at = tag.indexOf(':');
  const prefix = tag.slice(0, Math.max(at, 0));
  const namespace = Object.hasOwn(scope, prefix) ? scope[prefix] : undefined;
  if (namespace === undefined) throw broken(`the prefix ${prefix} stands for nothing`);
  return { namespace, name: tag.slice(at + 1) };
}

function broken(why: string): Failure {
  return new Failure('upstream', `The answer of WinRM is not XML: ${why}`, {
    advice: 'Is it really a Windows server that answers on this port?',
  });
}
