import type { Outcome } from '../contract/action.ts';
import type { Context } from '../contract/context.ts';
import type { Session } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import type { Memo } from '../kit/memo.ts';
import { type Body, outcomeBody } from './call-result.ts';
import type { Request } from './request.ts';

/** Opens the provider's session and asks it for the one thing that was requested. */
export async function run(request: Request, context: Context, memo: Memo): Promise<Body> {
  const { row } = request;
  if (row?.remembers === true) {
    const remembered = memo.recall();
    if (remembered !== undefined) throw remembered;
  }
  try {
    const session = await request.provider.open(request.settings, context);
    const body = await ask(session, request);
    memo.forget();
    return body;
  } catch (error) {
    const failure = Failure.from(error);
    const concernsAll = failure.outage || (row?.remembers === true && failure.kind === 'timeout');
    if (concernsAll) memo.remember(failure);
    throw failure;
  }
}

async function ask(session: Session, request: Request): Promise<Body> {
  const { row, custom, instance, sized, blueprint } = request;
  if (row !== undefined) return row.call(session, { instance, sized, blueprint } as never);
  const handler = custom === undefined ? undefined : session.run?.[custom.name];
  if (handler === undefined || instance === undefined) {
    throw Failure.from(new Error(`the provider has no handler for ${custom?.name}`));
  }
  const { parameters, policy } = request;
  const outcome: Outcome = await handler({
    instance,
    parameters: parameters as never,
    policy: policy as never,
    blueprint: blueprint as never,
  });
  return outcomeBody(outcome);
}
