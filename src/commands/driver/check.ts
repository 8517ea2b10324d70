import { resolve } from 'node:path';
import { Failure, fullText } from '../../failure.ts';
import { deadlineIn } from '../../kit/deadline.ts';
import { silent } from '../../kit/log.ts';
import { createRedactor } from '../../kit/redact.ts';
import { driverTools } from '../../providers/index.ts';
import type { CommandCall } from '../command.ts';
import { withTempDir } from '../temp-dir.ts';
import { paintFor, progressOf } from '../terminal.ts';
import { createBench } from './check/bench.ts';
import { examine, type Verdict } from './check/examine.ts';
import { createRecorder } from './check/recorder.ts';
import { linesOf, trusted } from './check/report.ts';
import { readWritten, valuesFor } from './settings-file.ts';

/** `outrigger driver check PATH [--settings FILE]`: whether the driver keeps every promise. */
export async function check(call: CommandCall): Promise<number> {
  const { positionals, world, json } = call;
  const [, given] = positionals;
  if (given === undefined) throw new Failure('usage', 'The path of the driver is missing');
  const path = resolve(given);
  const { verdicts, secrets } = await examineDriver(path, call);
  const redactor = createRedactor(secrets);
  const paint = paintFor(world);
  if (json) {
    const shown = verdicts.map(({ run: _run, ...rest }) => rest);
    world.out(
      JSON.stringify({ driver: path, trusted: trusted(verdicts), rules: shown }, undefined, 2),
    );
  } else
    for (const line of linesOf(given, verdicts, paint, call.flag('quick')))
      world.out(redactor.text(line));
  return trusted(verdicts) ? 0 : 1;
}

interface Examined {
  readonly verdicts: readonly Verdict[];
  readonly secrets: readonly string[];
}

function examineDriver(path: string, call: CommandCall): Promise<Examined> {
  return withTempDir(async (directory) => {
    const tools = await driverTools();
    const recorder = createRecorder(tools, path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const reach = { driver: name, executable: () => tools.executableAt(path), environment: {} };
    const played = { ...reach, play: recorder.play };
    const asking = { deadline: deadlineIn(20), log: silent, stateDirectory: () => directory };
    let said: Awaited<ReturnType<typeof tools.askDriver>>;
    try {
      said = await tools.askDriver(played, asking);
    } catch (thrown) {
      return { verdicts: [undescribed(Failure.from(thrown), recorder.runs.at(-1))], secrets: [] };
    }
    const provider = tools.providerOver(tools.command, played, said);
    const written = readWritten(call);
    const values = valuesFor(provider, written, call.world);
    const installation = `check-${Math.random().toString(36).slice(2, 10)}`;
    const own = Object.keys(said.settings ?? {}).map((key) => [key, values.settings[key]]);
    const settings = Object.fromEntries(own);
    const client = tools.createClient(played, { log: silent, installation, settings });
    const { nics } = written;
    const parts = { said, provider, values, recorder, client, directory, installation, nics };
    const verdicts = await examine(createBench(parts), progressOf(call), call.flag('quick'));
    return { verdicts, secrets: values.secrets };
  });
}

function undescribed(failure: Failure, run: Verdict['run']): Verdict {
  const rule = 'describe answers as the protocol says';
  const reason = fullText(failure);
  return { rule, state: 'broken', reason, ...(run === undefined ? {} : { run }) };
}
