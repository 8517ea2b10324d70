import type { CommandWorld } from './command.ts';
import { table, wrapped } from './table.ts';
import { columnsOf, paintFor } from './terminal.ts';

/** A piece of a text that is shown on a terminal and in the documentation alike. */
export type Block =
  | { readonly heading: string; readonly level: 2 | 3 }
  | { readonly text: string }
  /** The first row is the head. */
  | { readonly table: readonly (readonly string[])[] };

/** The blocks in Markdown, ending with a line break. */
export function markdown(blocks: readonly Block[]): string {
  return `${blocks.map(blockInMarkdown).join('\n\n')}\n`;
}

function blockInMarkdown(block: Block): string {
  if ('heading' in block) return `${'#'.repeat(block.level)} ${block.heading}`;
  if ('text' in block) return block.text;
  const [head = [], ...rows] = block.table;
  const lines = [head, head.map(() => '---'), ...rows];
  return lines
    .map((row) => `| ${row.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`)
    .join('\n');
}

/** The blocks for reading on a terminal, `columns` wide. */
export function readable(
  blocks: readonly Block[],
  columns: number,
  bold: (text: string) => string,
): string[] {
  return blocks.flatMap((block) => {
    if ('heading' in block) return [bold(block.heading)];
    if ('text' in block) return [...wrapped(plain(block.text), columns), ''];
    return [
      ...tableLines(
        block.table.map((row) => row.map(plain)),
        columns,
      ),
      '',
    ];
  });
}

/** Aligned columns, the last of which is broken into lines that fit. */
function tableLines(rows: readonly (readonly string[])[], columns: number): string[] {
  const before = rows.map((row) => row.slice(0, -1));
  const taken = Math.max(
    ...table(
      before.map((row) => [...row, '|']),
      2,
    ).map((line) => line.length),
  );
  const width = Math.max(30, columns - taken);
  const broken = rows.flatMap((row) => {
    const blanks = row.slice(0, -1).map(() => '');
    return wrapped(row[row.length - 1] ?? '', width).map((line, index) =>
      index === 0 ? [...row.slice(0, -1), line] : [...blanks, line],
    );
  });
  return table(broken, 2);
}

function plain(text: string): string {
  return text.replace(/`/g, '');
}

/** Prints blocks as wide as the terminal is. */
export function printBlocks(blocks: readonly Block[], world: CommandWorld): void {
  const lines = readable(blocks, columnsOf(world), paintFor(world).bold);
  for (const line of lines) world.out(line);
}
