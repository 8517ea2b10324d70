import type { Context } from '../contract/context.ts';
import type { Session } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import type { Memo } from '../kit/memo.ts';
import { openSession } from '../lifecycle/index.ts';
import { type Body, outcomeBody } from './call-result.ts';
import type { Request } from './request.ts';

/** Opens the provider's session and asks it for the one thing that was requested. */
export async function run(request: Request, context: Context, memo: Memo): Promise<Body> {
  const usesMemo = request.row?.usesFailureMemo === true;
  if (usesMemo) {
    const remembered = await memo.recall();
    if (remembered !== undefined) throw remembered;
  }
  try {
    const session = await openSession(request.provider, request.settings, context);
    const body = await ask(session, request);
    await memo.forget();
    return body;
  } catch (error) {
    const failure = Failure.from(error);
    const concernsAll = failure.outage || (usesMemo && failure.kind === 'timeout');
    if (concernsAll) await memo.remember(failure);
    throw failure;
  }
}

async function ask(session: Session, { task, blueprint, policy }: Request): Promise<Body> {
  switch (task.kind) {
    case 'statuses':
      return task.row.call(session);
    case 'instance':
      return task.row.call(session, task.instance);
    case 'sized':
      return task.row.call(session, task.instance, blueprint);
    case 'custom': {
      const { custom, instance, parameters } = task;
      const handler = session.run?.[custom.name];
      if (handler === undefined) {
        throw Failure.from(new Error(`the provider has no handler for ${custom.name}`));
      }
      return outcomeBody(await handler({ instance, parameters, policy, blueprint }));
    }
  }
}
