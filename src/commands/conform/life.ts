import type { Cast, OtherPlaces } from './cast.ts';
import { type Home, impostors, otherPlaces } from './impostors.ts';
import { customPayload, type Payload, payloadFor, statusesPayload } from './payloads.ts';
import { questions, quickly } from './questions.ts';
import type { Runner } from './runner.ts';
import { withPrepared } from './sample-instance.ts';
import { type Call, isFailed, shortSeconds } from './transcript.ts';

type About = (action: string) => Payload;

/** One instance from prepare to delete, in the state that each rule presumes. */
export async function life(
  runner: Runner,
  cast: Cast,
  places: OtherPlaces | undefined,
): Promise<void> {
  const prepare = payloadFor('prepare', cast.alive, cast.details);
  const { prepared } = (await runner.call('prepare', 'prepare', prepare)).conclusion;
  const alive = prepared === undefined ? cast.alive : withPrepared(cast.alive, prepared);
  const about: About = (action) => payloadFor(action, alive, cast.details);
  try {
    if (await created(runner, about)) await lived(runner, { ...cast, alive }, about, places);
  } finally {
    const deleted = runner.calls.some(({ step, raw }) => step === 'delete' && raw.succeeded);
    if (!deleted) await cleanUp(runner, about);
  }
}

/** An instance that is created without prepare, in less time than a creation may need. */
export async function hurry(runner: Runner, { hurried, details }: Cast): Promise<void> {
  const about: About = (action) => payloadFor(action, hurried, details);
  if (runner.calls.find(({ step }) => step === 'create')?.raw.succeeded !== true) return;
  try {
    const limit = { timeoutSeconds: shortSeconds };
    await quickly(runner)('create in a hurry', 'create', about('create'), limit);
  } finally {
    await cleanUp(runner, about);
  }
}

async function created(runner: Runner, about: About): Promise<boolean> {
  const create = about('create');
  const call = await runner.call('create', 'create', create);
  if (isFailed(call)) await runner.call('deploy', 'deploy', create);
  return call.raw.succeeded;
}

async function lived(
  runner: Runner,
  cast: Cast,
  about: About,
  places: OtherPlaces | undefined,
): Promise<void> {
  const { details, alive, parameters } = cast;
  const quick = quickly(runner);
  const home = homeOf(runner, about);
  await home.status('after create');
  await runner.call('create again', 'create', about('create'));
  await home.status('after create again');
  await questions(quick, cast);
  await quick(
    'custom action called stop',
    'stop',
    customPayload('stop', alive, details, parameters),
  );
  await home.status('after custom action');
  if (await home.runs(['status of a namesake', 'stop of a namesake', 'stop of a borrower']))
    await impostors(quick, cast, home);
  if (places !== undefined) await otherPlaces(quick, cast, places, home);
  await home.status('after other places');
  await rebooted(runner, about, home);
  await stoppedAndStarted(runner, cast, about, home);
  await deleted(runner, about, home);
}

async function rebooted(runner: Runner, about: About, home: Home): Promise<void> {
  if (!(await home.runs(['reboot', 'stop', 'stop again', 'start']))) return;
  await runner.call('reboot', 'reboot', about('reboot'));
  await home.status('after reboot');
}

async function stoppedAndStarted(
  runner: Runner,
  { details }: Cast,
  about: About,
  home: Home,
): Promise<void> {
  if (!(await home.runs(['stop', 'stop again', 'start']))) return;
  await runner.call('stop', 'stop', about('stop'));
  const { power } = (await home.status('after stop')).conclusion;
  await quickly(runner)('statuses after stop', 'statuses', statusesPayload(details));
  if (power === 'PowerOn') {
    for (const step of ['stop again', 'start'])
      runner.leaveOut(step, 'the instance could not be brought to a stop');
    return;
  }
  await runner.call('stop again', 'stop', about('stop'));
  await runner.call('start', 'start', about('start'));
  await home.status('after start');
}

/** CloudStack stops first, and deletes nothing whose stop has failed. */
async function deleted(runner: Runner, about: About, home: Home): Promise<void> {
  const stop = await runner.call('stop before delete', 'stop', about('stop'));
  if (!stop.raw.succeeded) {
    runner.leaveOut('delete', 'the stop before it failed');
    return;
  }
  await runner.call('delete', 'delete', about('delete'));
  await home.status('after delete');
  await runner.call('delete again', 'delete', about('delete'));
}

/** The instance as it is asked for its state, and brought back where a call has changed it. */
function homeOf(runner: Runner, about: About): Home {
  const quick = quickly(runner);
  let last: Call | undefined;
  const status: Home['status'] = async (when) => {
    last = await quick(`status ${when}`, 'status', about('status'));
    return last;
  };
  const usual = (): string | undefined =>
    runner.calls.find(({ step }) => step === 'status after create again')?.conclusion.power;
  return {
    status,
    leaveOut: runner.leaveOut,
    async runs(steps) {
      // Where the state never was to be seen, CloudStack would go on as well.
      if (usual() !== 'PowerOn' || last?.conclusion.power === 'PowerOn') return true;
      for (const action of ['start', 'create']) {
        await runner.call(`${action} to go on`, action, about(action));
        if ((await status(`after ${action} to go on`)).conclusion.power === 'PowerOn') return true;
      }
      for (const step of steps)
        runner.leaveOut(step, 'the instance could not be brought to run again');
      return false;
    },
  };
}

/** As CloudStack does after a failure, and then removes what may be left. */
async function cleanUp(runner: Runner, about: About): Promise<void> {
  const name = String(about('stop')['virtualmachinename']);
  const callOptions = { cleansUp: true };
  await runner.call(`stop of ${name} to clean up`, 'stop', about('stop'), callOptions);
  await runner.call(`delete of ${name} to clean up`, 'delete', about('delete'), callOptions);
}
