import { Failure } from '../failure.ts';
import { type Body, bytesOf, type CallResult, encode, mostBytes } from './call-result.ts';

/** The result of a success; a long message is shortened, any other part that is too long fails. */
export function succeed(body: Body): CallResult {
  const text = encode({ status: 'success', ...body });
  if (bytesOf(text) <= mostBytes) return { exitCode: 0, text };
  const shorter = shorten(body);
  if (shorter !== undefined) return { exitCode: 0, text: shorter };
  const size = `The answer has ${bytesOf(text)} bytes, but CloudStack can read only ${mostBytes}`;
  throw new Failure('upstream', size, {
    advice: 'Where it can, CloudStack asks for each instance instead',
    tenant: 'The answer is too long to be shown',
  });
}

/** Cuts long cells first, then rows from the end; the last row says how many are missing. */
function shorten(body: Body): string | undefined {
  const { message: whole } = body;
  if (typeof whole !== 'object' || whole === null) return undefined;
  const rows = (Array.isArray(whole) ? whole : [whole]).map(clipCells);
  for (let keep = rows.length; keep >= 1; keep = Math.floor(keep * 0.8)) {
    const shown = keep === rows.length ? rows : [...rows.slice(0, keep), more(rows, keep)];
    const message = Array.isArray(whole) ? shown : shown[0];
    const text = encode({ status: 'success', ...body, message, shortened: true });
    if (bytesOf(text) <= mostBytes) return text;
  }
  return undefined;
}

function clipCells(row: unknown): Record<string, unknown> {
  const clip = (cell: unknown): unknown =>
    typeof cell === 'string' && cell.length > 500 ? `${cell.slice(0, 500)} ... (shortened)` : cell;
  return Object.fromEntries(
    Object.entries(row as Record<string, unknown>).map(([key, cell]) => [key, clip(cell)]),
  );
}

function more(rows: readonly Record<string, unknown>[], shown: number): Record<string, unknown> {
  const note = `... ${rows.length - shown} more, not shown`;
  return Object.fromEntries(
    Object.keys(rows[0] ?? {}).map((column, at) => [column, at === 0 ? note : '']),
  );
}
