import { Failure, hasReason, isOutage } from '../failure.ts';
import { createRedactor } from '../kit/redact.ts';
import type { Verbs } from '../lifecycle/index.ts';
import { contextFor, memoFor } from './call-context.ts';
import type { Body } from './call-result.ts';
import { mayChange, type Request } from './request.ts';

export { finishWell } from './finish-well.ts';

/** Asks the provider for the one thing that was requested. */
export async function run(request: Request): Promise<Body> {
  if (request.task.kind === 'errors') {
    return (await import('./show-errors.ts')).showErrors(request, request.task.instance);
  }
  // A process that is killed leaves this line, and no other in which the call ends.
  if (mayChange(request)) request.log('begin');
  const memo = memoFor(request);
  const usesMemo = request.row?.usesFailureMemo === true;
  const remembered = await memo.recall();
  if (usesMemo && remembered !== undefined) throw remembered;
  try {
    const verbsOf = await request.world.verbs();
    // The other actions ask again, since a person waits for what may be healthy by now, but not for long.
    const context = contextFor(request, isOutage(remembered));
    const verbs = verbsOf(request.provider, request.settings, context);
    const body = await ask(verbs, request);
    await memo.forget();
    return body;
  } catch (error) {
    const failure = Failure.from(error);
    const concernsAll = failure.outage || (usesMemo && failure.kind === 'timeout');
    // An answer that failed to come in a shortened wait is too little proof to shorten the next waits.
    if (concernsAll && !hasReason(failure, 'short-wait')) await memo.remember(failure);
    throw failure;
  }
}

async function ask(verbs: Verbs, request: Request): Promise<Body> {
  const { task, blueprint, policy, secrets } = request;
  switch (task.kind) {
    case 'statuses':
      return task.row.call(verbs);
    case 'instance':
      return task.row.call(verbs, task.instance);
    case 'sized':
      return task.row.call(verbs, task.instance, blueprint);
    case 'errors':
      throw new Failure('internal', 'The log is no matter of a provider');
    case 'custom': {
      const { custom, instance, parameters } = task;
      const call = { instance, parameters, policy, blueprint };
      const outcome = await verbs.run(custom.name, call);
      return (await import('./outcome.ts')).outcomeBody(outcome, createRedactor(secrets).text);
    }
  }
}
