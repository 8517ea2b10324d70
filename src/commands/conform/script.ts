import type { Cast, OtherPlaces } from './cast.ts';
import { hurry, life } from './life.ts';
import { customPayload, payloadFor } from './payloads.ts';
import { type Quick, quickly } from './questions.ts';
import type { Runner } from './runner.ts';
import { classCommand, noSuchAction, noSuchCustomAction } from './transcript.ts';

/** Makes all calls in the order of a life; ends early, with the reason, where going on is vain. */
export async function playScript(
  runner: Runner,
  cast: Cast,
  places: OtherPlaces | undefined,
): Promise<string | undefined> {
  const quick = quickly(runner);
  const first = await quick(
    'unknown action',
    noSuchAction,
    payloadFor('stop', cast.missing, cast.details),
  );
  if (first.raw.ended === 'not-started') return 'the executable could not be started';
  if (first.raw.ended === 'time-out') {
    await quick('unknown action without input', noSuchAction, first.payload ?? {}, {
      through: withoutInput,
    });
    return 'the first call hung until it was killed';
  }
  await refusals(quick, cast);
  await missingInstance(quick, cast);
  await life(runner, cast, places);
  await hurry(runner, cast);
  return undefined;
}

async function refusals(quick: Quick, { missing, details, parameters }: Cast): Promise<void> {
  const stop = payloadFor('stop', missing, details);
  await quick('unknown action, errors apart', noSuchAction, stop, { errorsApart: true });
  await quick('class name', classCommand, { action: classCommand }, { timeoutSeconds: 5 });
  const broken: Readonly<Record<string, string | undefined>> = {
    'payload missing': undefined,
    'payload empty': '',
    'payload not JSON': '{"virtualmachineid": ',
    'payload a list': '[{"virtualmachineid": "x"}]',
  };
  // status changes nothing, however an executable reads such a payload.
  for (const [step, text] of Object.entries(broken)) await quick(step, 'status', {}, { text });
  const custom = customPayload(noSuchCustomAction, missing, details, parameters);
  await quick('unknown custom action', noSuchCustomAction, custom);
}

async function missingInstance(quick: Quick, { missing, details }: Cast): Promise<void> {
  await quick('status of nothing', 'status', payloadFor('status', missing, details));
  for (const action of ['stop', 'delete']) {
    const payload = payloadFor(action, missing, details);
    await quick(`${action} of nothing`, action, payload);
    await quick(`${action} of nothing again`, action, payload);
  }
}

const withoutInput = ['sh', '-c', 'exec "$@" </dev/null', 'sh'];
