/** An answer as it goes over the wire. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error that handlers throw to end a request. */
export type Refused = Error & { readonly answer: Answer };

export function refused(answer: Answer): Refused {
  return Object.assign(new Error(answer.body), { answer });
}

export function isRefused(thrown: unknown): thrown is Refused {
  return thrown instanceof Error && 'answer' in thrown;
}

export function json(value: unknown, status = 200): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

export function plain(status: number, body: string, headers?: Answer['headers']): Answer {
  return {
    status,
    type: 'text/plain; charset=utf-8',
    body,
    ...(headers === undefined ? {} : { headers }),
  };
}

export function refuse(status: number, body: string, headers?: Answer['headers']): Refused {
  return refused(plain(status, body, headers));
}

/** Validation errors are an object of lists. */
export function invalid(field: string, message: string): Refused {
  return refused(json({ [field]: [message] }, 400));
}

/** The proxy before MAAS answers with a page of its own. */
export function proxyPage(status: number, title: string): Answer {
  const heading = `${status} ${title}`;
  const body = `<html>\r\n<head><title>${heading}</title></head>\r\n<body>\r\n<center><h1>${heading}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
  return { status, type: 'text/html', body };
}

export const busy = (): Refused =>
  refuse(503, 'Unable to change power state: another action is already in progress for that node.');
