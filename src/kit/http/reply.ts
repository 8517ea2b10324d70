import { Failure } from '../../failure.ts';
import { type Attempt, where } from './errors.ts';
import type { HttpResponse } from './response.ts';

/** The answer of the server, of any status; the provider knows the meaning of a status. */
export interface Reply {
  readonly status: number;
  /** The reason phrase of the status line, which some systems put their error text in. */
  readonly reason: string;
  /** The header's values joined by a comma and a blank; any case of the name. */
  header(name: string): string | undefined;
  /** The values of a header that may come several times, in their request. */
  headers(name: string): readonly string[];
  readonly text: string;
  /** The body as JSON; `upstream` when it is something else, with its beginning. */
  json(): unknown;
  /** Base URL of the server that answered. */
  readonly endpoint: string;
  /** DER of that server's certificate; `undefined` over plain http. */
  certificate(): Buffer | undefined;
}

export function replyOf(answer: HttpResponse, attempt: Attempt): Reply {
  const headers = (wanted: string): readonly string[] =>
    answer.rawHeaders.filter(
      (_, i, all) => i % 2 === 1 && all[i - 1]?.toLowerCase() === wanted.toLowerCase(),
    );
  return {
    status: answer.status,
    reason: answer.statusText,
    header: (name) => headers(name).join(', ') || undefined,
    headers,
    text: answer.text(),
    json: () => parse(answer, attempt),
    endpoint: attempt.endpoint.url,
    certificate: () => answer.certificate,
  };
}

function parse(answer: HttpResponse, attempt: Attempt): unknown {
  const text = answer.text();
  try {
    return JSON.parse(text);
  } catch {
    const start = text.replace(/[^!-~\u00a1-\uffff]+/g, ' ').trim();
    const came = start === '' ? 'an empty body' : `"${start.slice(0, 80)}"`;
    const status = `${answer.status} ${answer.statusText}`.trim();
    throw new Failure(
      'upstream',
      `${where(attempt)} answered ${attempt.what} with ${status} and no JSON but ${came}`,
      { remote: { status: answer.status } },
    );
  }
}
