import { saysFailure } from '../as-cloudstack/doubts.ts';
import type { Members } from '../json.ts';
import {
  asIn421,
  customPayload,
  type Details,
  type Payload,
  payloadFor,
  statusesPayload,
  withUnknownKeys,
} from './payloads.ts';
import { type CallOptions, quickSeconds, type Runner } from './runner.ts';
import { type SampleInstance, withPrepared } from './sample-instance.ts';
import {
  type Call,
  classCommand,
  noSuchAction,
  noSuchCustomAction,
  shortSeconds,
} from './transcript.ts';

/** The instances and details that the calls are about. */
export interface Cast {
  readonly details: Details;
  /** Never created. */
  readonly missing: SampleInstance;
  /** Goes through its whole life. */
  readonly alive: SampleInstance;
  /** Created without prepare and in a hurry. */
  readonly hurried: SampleInstance;
  /** Parameters of the custom action that does not exist. */
  readonly parameters: Members;
  /** A custom action that does exist, if the operator has named one. */
  readonly known?: string;
}

/** Makes all calls in the order of a life; ends early, with the reason, where going on is vain. */
export async function playScript(runner: Runner, cast: Cast): Promise<string | undefined> {
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
  await life(runner, quick, cast);
  await hurry(runner, quick, cast);
  return undefined;
}

type Quick = Runner['call'];

/** Calls that have nothing to wait for. */
function quickly(runner: Runner): Quick {
  return (step, action, payload, callOptions = {}) =>
    runner.call(step, action, payload, { timeoutSeconds: quickSeconds, ...callOptions });
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
  const about = (action: string): Payload => payloadFor(action, missing, details);
  await quick('status of nothing', 'status', about('status'));
  for (const action of ['stop', 'delete']) {
    await quick(`${action} of nothing`, action, about(action));
    await quick(`${action} of nothing again`, action, about(action));
  }
}

async function life(runner: Runner, quick: Quick, cast: Cast): Promise<void> {
  const { details } = cast;
  const prepare = payloadFor('prepare', cast.alive, details);
  const { prepared } = (await runner.call('prepare', 'prepare', prepare)).conclusion;
  const alive = prepared === undefined ? cast.alive : withPrepared(cast.alive, prepared);
  const about = (action: string): Payload => payloadFor(action, alive, details);
  const status = (when: string, callOptions: CallOptions = {}): Promise<Call> =>
    quick(`status ${when}`, 'status', about('status'), callOptions);
  try {
    const create = about('create');
    const created = await runner.call('create', 'create', create);
    if (!created.raw.succeeded || saysFailure(created.raw.text) !== undefined) {
      await runner.call('deploy', 'deploy', create);
    }
    if (!created.raw.succeeded) return;
    await status('after create');
    await runner.call('create again', 'create', create);
    await status('after create again');
    await questions(quick, { ...cast, alive });
    const custom = customPayload('stop', alive, details, cast.parameters);
    await quick('custom action called stop', 'stop', custom);
    await status('after custom action');
    for (const action of ['reboot', 'stop', 'start']) {
      await runner.call(action, action, about(action));
      await status(`after ${action}`);
      if (action === 'stop') await runner.call('stop again', 'stop', about('stop'));
    }
    await runner.call('delete', 'delete', about('delete'));
    await status('after delete');
    await runner.call('delete again', 'delete', about('delete'));
  } finally {
    const deleted = runner.calls.some(({ step, raw }) => step === 'delete' && raw.succeeded);
    if (!deleted) await cleanUp(runner, about);
  }
}

/** Calls about a running instance, in environments that an author may not have thought of. */
async function questions(quick: Quick, { alive, details, known, parameters }: Cast): Promise<void> {
  const status = payloadFor('status', alive, details);
  const twists: Readonly<Record<string, CallOptions>> = {
    'errors apart': { errorsApart: true },
    'C locale': { env: { LC_ALL: 'C', LANG: 'C', LANGUAGE: undefined } },
    'without HOME': { env: { HOME: undefined } },
    'HOME missing': { env: { HOME: '/nonexistent/home' } },
    'directory deleted': { through: inDeletedDirectory },
    'input closed': { through: withInputClosed },
  };
  for (const [when, callOptions] of Object.entries(twists)) {
    await quick(`status, ${when}`, 'status', status, callOptions);
  }
  await quick('status as in 4.21', 'status', asIn421(status));
  await quick('status, unknown keys', 'status', withUnknownKeys(status));
  await Promise.all(
    [1, 2, 3].map((n) => quick(`status at once ${n}`, 'status', status, { amongOthers: true })),
  );
  await quick('statuses', 'statuses', statusesPayload(details));
  await quick('getconsole', 'getconsole', payloadFor('getconsole', alive, details));
  if (known === undefined) return;
  const custom = customPayload(known, alive, details, parameters);
  await quick('custom action', known, custom);
  await quick('custom action as in 4.21', known, asIn421(custom));
}

async function hurry(runner: Runner, quick: Quick, { hurried, details }: Cast): Promise<void> {
  const about = (action: string): Payload => payloadFor(action, hurried, details);
  if (runner.calls.find(({ step }) => step === 'create')?.raw.succeeded !== true) return;
  try {
    const limit = { timeoutSeconds: shortSeconds };
    await quick('create in a hurry', 'create', about('create'), limit);
  } finally {
    await cleanUp(runner, about);
  }
}

/** As CloudStack does after a failure, and then removes what may be left. */
async function cleanUp(runner: Runner, about: (action: string) => Payload): Promise<void> {
  const name = String(about('stop')['virtualmachinename']);
  const callOptions = { cleansUp: true };
  await runner.call(`stop of ${name} to clean up`, 'stop', about('stop'), callOptions);
  await runner.call(`delete of ${name} to clean up`, 'delete', about('delete'), callOptions);
}

const withoutInput = ['sh', '-c', 'exec "$@" </dev/null', 'sh'];
const withInputClosed = ['sh', '-c', 'exec "$@" <&-', 'sh'];
const inDeletedDirectory = [
  'sh',
  '-c',
  'gone=$(mktemp -d) && cd "$gone" && rmdir "$gone" && exec "$@"',
  'sh',
];
