import type { Asked } from './address.ts';
import type { Desk } from './dispatch.ts';
import { type ApiError, apiError, isApiError } from './errors.ts';
import type { Answer } from './http.ts';

const json = 'application/json;charset=UTF-8';

/** Lists come with their count beside `data`. */
export function success(asked: Asked, data: unknown, relayed: boolean): Answer {
  const body = isCounted(data) ? data : { data };
  const extjs = asked.path.format === 'extjs' ? { success: 1 } : {};
  return {
    ...{ status: 200, reason: 'OK', type: json, relayed },
    body: JSON.stringify({ ...body, ...extjs }),
  };
}

export interface Counted {
  readonly data: unknown;
  readonly total: number;
}

function isCounted(data: unknown): data is Counted {
  return typeof data === 'object' && data !== null && 'total' in data && 'data' in data;
}

export async function failure(desk: Desk, asked: Asked, thrown: unknown): Promise<Answer> {
  const error: ApiError = isApiError(thrown) ? thrown : apiError(500, `${String(thrown)}`);
  await desk.state.clock.sleep(error.delayMs ?? 0);
  const { status, message: text, errors } = error;
  if (asked.path.format === 'extjs' && status !== 401) {
    const body = {
      success: 0,
      data: null,
      message: `${text}\n`,
      status,
      ...(errors ? { errors } : {}),
    };
    return { status: 200, reason: 'OK', type: json, body: JSON.stringify(body) };
  }
  if ('bare' in error) return { status, reason: text, body: String(error.bare) };
  if (
    status === 595 ||
    (status === 401 && !/^(authentication|permission denied - invalid PVEVNC)/.test(text))
  ) {
    return { status, reason: text, body: '' };
  }
  const message = desk.messages ? { message: status === 501 ? text : `${text}\n` } : {};
  const body = JSON.stringify({ data: null, ...message, ...(errors ? { errors } : {}) });
  return { status, reason: text, type: json, body };
}

export function notImplemented({ method, path }: Asked): ApiError {
  return apiError(501, `Method '${method} ${path.rest}' not implemented`);
}
