import type { Reply } from '../../../kit/http/reply.ts';
import { parseJson } from '../../../kit/json.ts';
import { oneLine } from './one-line.ts';

/** The beginning of what MAAS wrote, on one line, without the token's secret. */
export function saying({ text }: Reply, secret: string): string {
  const said = oneLine(describeBody(text).split(secret).join('***'), 300);
  return said === '' || said.startsWith('<') ? '' : `: ${said}`;
}

/** Validation errors are an object of lists by field; everything else is plain text. */
function describeBody(text: string): string {
  if (!text.startsWith('{')) return text;
  const fields = parseJson(text) as Readonly<Record<string, unknown>> | undefined;
  if (fields === undefined) return text;
  return Object.entries(fields)
    .map(([field, said]) => `${field}: ${[said].flat().join(' ')}`)
    .join('; ');
}
