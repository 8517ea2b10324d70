import type { IncomingMessage } from 'node:http';
import { Failure } from '../../failure.ts';
import { certificateOf } from './connect.ts';
import { type Attempt, where } from './errors.ts';

/** The whole answer, in the shape that ofetch reads. */
export interface HttpResponse {
  readonly status: number;
  readonly statusText: string;
  /** Name, value, name, value ..., as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  text(): string;
  /** DER of the certificate of the connection that served it. */
  readonly certificate: Buffer | undefined;
}

/** Ends with all of it; fails for one that breaks off or is larger than `maxBytes`. */
export function readResponse(
  response: IncomingMessage,
  attempt: Attempt,
  maxBytes: number,
): Promise<HttpResponse> {
  // Taken now, since the response lets go of its socket before it ends.
  const certificate = certificateOf(response.socket);
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) reject(tooLarge(attempt, maxBytes));
      else chunks.push(chunk);
    });
    response.once('error', (cause) => reject(brokenOff(attempt, size, cause)));
    response.once('end', () => resolve(answerOf(response, Buffer.concat(chunks), certificate)));
  });
}

function answerOf(
  { statusCode, statusMessage, rawHeaders }: IncomingMessage,
  body: Buffer,
  certificate: Buffer | undefined,
): HttpResponse {
  return {
    status: statusCode ?? 0,
    statusText: statusMessage ?? '',
    rawHeaders,
    body,
    text: () => body.toString('utf8'),
    certificate,
  };
}

function tooLarge(attempt: Attempt, maxBytes: number): Failure {
  const most = `${Math.round(maxBytes / 1024)} KiB`;
  const text = `${where(attempt)} answered ${attempt.what} with more than ${most}`;
  return new Failure('upstream', text);
}

function brokenOff(attempt: Attempt, size: number, cause: unknown): Failure {
  const text = `${where(attempt)} broke off its answer to ${attempt.what} after ${size} bytes`;
  return new Failure('unreachable', text, { cause, remote: { code: 'ECONNRESET' } });
}
