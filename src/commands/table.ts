import { visible } from './terminal.ts';

/** A cell is a text, or a text with the colour it gets once the columns are aligned. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

/** Columns side by side, two blanks between them; the last one is not padded. */
export function table(rows: readonly (readonly Cell[])[], indent = 0): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(shown(cell)));
    });
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const last = column === row.length - 1;
      const padding = last ? 0 : (widths[column] ?? 0) - width(shown(cell));
      return painted(cell) + ' '.repeat(padding);
    });
    return `${' '.repeat(indent)}${cells.join('  ')}`.trimEnd();
  });
}

/** A paragraph in lines of at most `columns` characters; a longer word gets its own line. */
export function wrapped(text: string, columns = 80, indent = 0): string[] {
  const available = Math.max(20, columns - indent);
  const lines: string[] = [];
  for (const word of visible(text).split(' ')) {
    const last = lines.length - 1;
    const longer = `${lines[last] ?? ''} ${word}`;
    if (last >= 0 && width(longer) <= available) lines[last] = longer;
    else lines.push(word);
  }
  return lines.map((line) => ' '.repeat(indent) + line);
}

function shown(cell: Cell): string {
  return visible(typeof cell === 'string' ? cell : cell.text);
}

function painted(cell: Cell): string {
  return typeof cell === 'string' ? visible(cell) : cell.paint(visible(cell.text));
}

function width(text: string): number {
  return [...text].length;
}
