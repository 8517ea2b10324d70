import type { Block } from './blocks.ts';

type Rows = readonly (readonly string[])[];

/** The rows that hold every word, in any case, below their headings; a table without such a row is left out. */
export function matching(blocks: readonly Block[], words: readonly string[]): readonly Block[] {
  if (words.length === 0) return blocks;
  const found = blocks.flatMap((block): readonly Block[] => {
    if ('heading' in block) return [block];
    if (!('table' in block)) return [];
    const [head = [], ...rows] = block.table;
    const kept: Rows = rows.filter((row) => holds(row.join(' '), words));
    return kept.length === 0 ? [] : [{ table: [head, ...kept] }];
  });
  return found.filter((block, at) => !('heading' in block) || leads(found, at));
}

/** Whether the text holds every word, in any case. */
function holds(text: string, words: readonly string[]): boolean {
  const plain = text.toLowerCase();
  return words.every((word) => plain.includes(word.toLowerCase()));
}

/** A heading stays where the next block is a table. */
function leads(blocks: readonly Block[], at: number): boolean {
  const next = blocks[at + 1];
  return next !== undefined && 'table' in next;
}
