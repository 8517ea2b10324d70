import type { Exchange } from './proxy.ts';

/*
 * Effects on one request and its answer, for the faults to choose from.
 */

/** Ends the connection in the middle of the status line. */
export async function head(exchange: Exchange): Promise<void> {
  const answer = await exchange.pass();
  await exchange.write(answer.subarray(0, 25));
  exchange.reset();
}

/** Ends the connection in the middle of the body. */
export async function half(exchange: Exchange): Promise<void> {
  const answer = await exchange.pass();
  const bodyAt = answer.indexOf('\r\n\r\n') + 4;
  await exchange.write(answer.subarray(0, bodyAt + Math.floor((answer.length - bodyAt) / 2)));
  exchange.reset();
}

/** One byte at a time, which for a whole answer takes minutes. */
export async function drip({ pass, write }: Exchange): Promise<void> {
  for (const byte of await pass()) {
    if (!(await write(Buffer.of(byte)))) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** Whole as HTTP goes, but its content ends in the middle. */
export async function truncate({ pass, write, end }: Exchange): Promise<void> {
  const answer = await pass();
  const bodyAt = answer.indexOf('\r\n\r\n') + 4;
  const body = answer.subarray(bodyAt, bodyAt + Math.floor((answer.length - bodyAt) / 2));
  const status = answer.toString('latin1', 0, answer.indexOf('\r\n'));
  const type = /^content-type:.*$/im.exec(answer.toString('latin1', 0, bodyAt))?.[0];
  const lines = [status, ...(type === undefined ? [] : [type]), `Content-Length: ${body.length}`];
  await write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
  await write(body);
  end();
}

/** An answer without an end in sight. */
export async function flood({ write, reset }: Exchange): Promise<void> {
  await write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"data":"');
  const piece = 'x'.repeat(1024 * 1024);
  // A client that reads this much has no limit at all.
  for (let mib = 0; mib < 256; mib += 1) if (!(await write(piece))) return;
  reset();
}

interface Said {
  readonly status: string;
  readonly type?: string;
  readonly body?: string;
}

/** An answer that the system itself did not give, and then the connection ends. */
export function says({ status, type = 'text/plain', body = '' }: Said) {
  return async ({ write, end }: Pick<Exchange, 'write' | 'end'>): Promise<void> => {
    const lines = [`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`];
    await write(`HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`);
    end();
  };
}

/** The answer with another Date header. */
export function dated(days: number) {
  return async ({ pass, write }: Exchange): Promise<void> => {
    const answer = (await pass()).toString('latin1');
    const date = new Date(Date.now() + days * 86_400_000).toUTCString();
    await write(Buffer.from(answer.replace(/^date:.*$/im, `Date: ${date}`), 'latin1'));
  };
}

export const loginPage =
  '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>';
