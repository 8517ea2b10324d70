/** A value of the file, with lines of comment in front of it. */
export interface Entry {
  readonly key: string;
  readonly value: Value;
  readonly comment?: string;
}

export type Value = string | Fields | List;

/** A JSON object; its members keep their order. */
export interface Fields {
  readonly entries: readonly Entry[];
}

export interface List {
  readonly items: readonly Fields[];
}

/** JSON in which a line that begins with two slashes is a comment, as `readSetup` takes it. */
export function written(value: Value, indent = ''): string {
  if (typeof value === 'string') return JSON.stringify(value);
  const deeper = `${indent}  `;
  if ('items' in value) {
    const items = value.items.map((item) => `${deeper}${written(item, deeper)}`);
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  if (value.entries.length === 0) return '{}';
  const members = value.entries.map(({ key, value: own, comment }) => {
    const about = comment === undefined ? '' : `${deeper}// ${comment}\n`;
    return `${about}${deeper}${JSON.stringify(key)}: ${written(own, deeper)}`;
  });
  return `{\n${members.join(',\n')}\n${indent}}`;
}

/** The same text with its comments blanked out; a text of JSON never goes over the end of a line. */
export function withoutComments(text: string): string {
  return text.replace(/^[ \t]*\/\/.*$/gm, '');
}
