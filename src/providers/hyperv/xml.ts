import { Failure } from '../../failure.ts';

/** One element; names are told by namespace and local name, since prefixes are anybody's choice. */
export interface Element {
  readonly namespace: string;
  readonly name: string;
  /** By local name, or `namespace name` for those with a prefix. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** The text directly inside, as it stands. */
  readonly text: string;
}

/** WinRM's answers go some ten elements deep; whoever walks through them does so by recursion. */
const deepest = 200;

/** The root element of a document; fails with `upstream` for anything that is no plain XML. */
export function readXml(document: string): Element {
  const open: Draft[] = [];
  let root: Element | undefined;
  for (const token of tokens(document)) {
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

/** Text as the content of an element or an attribute; fails for what XML cannot carry. */
export function escapeXml(text: string): string {
  if (unspeakable.test(text)) {
    throw new Failure('usage', 'A text for the Hyper-V host holds a character that XML has not');
  }
  return text.replace(/[&<>"'\r\n\t]/g, (one) => `&#${one.charCodeAt(0)};`);
}

// Matched on purpose: control characters and halves of surrogate pairs are not allowed in XML.
const unspeakable =
  /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\ud800-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

interface Draft extends Element {
  readonly tag: string;
  readonly scope: Scope;
  readonly children: Element[];
  text: string;
}

/** Namespaces by prefix; the default one under the empty prefix. */
type Scope = Readonly<Record<string, string>>;

const noScope: Scope = { xml: 'http://www.w3.org/XML/1998/namespace', '': '' };

type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'close'; readonly tag: string }
  | Opening;

interface Opening {
  readonly kind: 'open';
  readonly tag: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly empty: boolean;
}

const grammar =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^\s<>/]+)\s*>|<([^\s<>/!?]+)((?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;

function* tokens(document: string): Generator<Token> {
  const text = document.replace(/^\ufeff/, '');
  grammar.lastIndex = 0;
  for (let at = 0; at < text.length; at = grammar.lastIndex) {
    grammar.lastIndex = at;
    const [, verbatim, closing, tag, attributes = '', slash, plain] =
      grammar.exec(text) ?? stop(at);
    if (verbatim !== undefined) yield { kind: 'text', text: verbatim };
    else if (closing !== undefined) yield { kind: 'close', tag: closing };
    else if (plain !== undefined) yield { kind: 'text', text: decodeText(plain) };
    else if (tag !== undefined) {
      yield { kind: 'open', tag, attributes: readAttributes(attributes), empty: slash === '/' };
    }
  }
}

function readAttributes(text: string): Opening['attributes'] {
  const pairs = text.matchAll(/([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
  return [...pairs].map(([, name = '', one, two]) => [name, decodeText(one ?? two ?? '')] as const);
}

function begin({ tag, attributes }: Opening, outer: Scope): Draft {
  const scope: Record<string, string> = { ...outer };
  for (const [name, value] of attributes) {
    if (name === 'xmlns') scope[''] = value;
    else if (name.startsWith('xmlns:')) scope[name.slice(6)] = value;
  }
  const plain = attributes.filter(([name]) => !/^xmlns(:|$)/.test(name));
  const { namespace, name } = resolve(tag, scope, true);
  return {
    tag,
    scope,
    namespace,
    name,
    attributes: Object.fromEntries(
      plain.map(([full, value]) => {
        const own = resolve(full, scope, false);
        return [own.namespace === '' ? own.name : `${own.namespace} ${own.name}`, value];
      }),
    ),
    children: [],
    text: '',
  };
}

function resolve(
  tag: string,
  scope: Scope,
  defaults: boolean,
): { namespace: string; name: string } {
  const at = tag.indexOf(':');
  if (at < 0) return { namespace: defaults ? (scope[''] ?? '') : '', name: tag };
  const prefix = tag.slice(0, at);
  const namespace = Object.hasOwn(scope, prefix) ? scope[prefix] : undefined;
  if (namespace === undefined) throw broken(`the prefix ${prefix} stands for nothing`);
  return { namespace, name: tag.slice(at + 1) };
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

function decodeText(text: string): string {
  return text.replace(/&([^;&]*);?/g, (whole, name: string) => {
    const code = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
    const point = code === null ? -1 : Number.parseInt(code[1] ?? code[2] ?? '', code[1] ? 16 : 10);
    if (whole.endsWith(';') && point >= 0 && point <= 0x10ffff) return String.fromCodePoint(point);
    const known = Object.hasOwn(entities, name) && whole.endsWith(';') ? entities[name] : undefined;
    if (known === undefined) throw broken(`${whole.slice(0, 20)} is no character`);
    return known;
  });
}

function stop(at: number): never {
  throw broken(`it cannot be read from character ${at} on`);
}

function broken(why: string): Failure {
  return new Failure('upstream', `The answer of WinRM is not XML: ${why}`, {
    advice: 'Is it really a Windows server that answers on this port?',
  });
}
