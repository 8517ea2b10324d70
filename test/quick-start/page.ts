import { readFileSync } from 'node:fs';

/** A command of a page as it is printed, lines that end with a backslash joined. */
export interface Printed {
  /** The word behind the fence, such as `sh`. */
  readonly language: string;
  readonly command: string;
}

export function readPage(name: string): { readonly text: string; readonly commands: Printed[] } {
  const text = readFileSync(`docs/quick-start/${name}.md`, 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  const commands = blocks.flatMap(([, language = '', block = '']) => {
    const lines = block.replace(/\\\n\s*/g, '').split('\n');
    return lines.filter((line) => line !== '').map((command) => ({ language, command }));
  });
  return { text, commands };
}

/** The words of a line as a shell splits them; quotes do not hold each other. */
export function wordsOf(line: string): readonly string[] {
  const words = line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return words.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}

/** The value behind an option such as `--users`. */
export function optionOf(words: readonly string[], name: string): string {
  const value = words[words.indexOf(name) + 1];
  if (!words.includes(name) || value === undefined) throw new Error(`${name} is not given`);
  return value;
}
