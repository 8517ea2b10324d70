import { join, resolve } from 'node:path';
import { Failure, fullText } from '../../failure.ts';
import { deadlineIn } from '../../kit/deadline.ts';
import { silent } from '../../kit/log.ts';
import { createRedactor } from '../../kit/redact.ts';
import { type DriverTools, driverTools } from '../../providers/index.ts';
import type { CommandCall } from '../command.ts';
import { withTempDir } from '../temp-dir.ts';
import { paintFor, progressOf } from '../terminal.ts';
import { type Bench, createBench } from './check/bench.ts';
import { examine, type Verdict } from './check/examine.ts';
import { createRecorder, type Recorder } from './check/recorder.ts';
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
    const asking = { deadline: deadlineIn(20), log: silent, stateDirectory: () => directory };
    let said: Said;
    try {
      said = await tools.askDriver(reachOf(tools, path, recorder), asking);
    } catch (thrown) {
      return { verdicts: [undescribed(Failure.from(thrown), recorder.runs.at(-1))], secrets: [] };
    }
    const { open, secrets } = benchesFor({ tools, path, said, directory }, call);
    const [quick, atOnce] = [call.flag('quick'), atOnceOf(call)];
    const verdicts = await examine({ open, quick, atOnce, onStep: progressOf(call) });
    return { verdicts, secrets };
  });
}

type Said = Awaited<ReturnType<DriverTools['askDriver']>>;

interface Subject {
  readonly tools: DriverTools;
  readonly path: string;
  readonly said: Said;
  readonly directory: string;
}

function reachOf(tools: DriverTools, path: string, { play }: Recorder) {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { driver: name, executable: () => tools.executableAt(path), environment: {}, play };
}

/** Benches on one system: of one installation, as two calls of CloudStack at one moment are. */
function benchesFor({ tools, path, said, directory }: Subject, call: CommandCall) {
  const written = readWritten(call);
  const reached = reachOf(tools, path, createRecorder(tools, path));
  const values = valuesFor(tools.providerOver(tools.command, reached, said), written, call.world);
  const own = Object.keys(said.settings ?? {}).map((key) => [key, values.settings[key]]);
  const settings = Object.fromEntries(own);
  const installation = `check-${Math.random().toString(36).slice(2, 10)}`;
  let id = Math.floor(Math.random() * 90_000) + 10_000;
  const nextId = (): number => {
    id += 1;
    return id;
  };
  let count = 0;
  const open = (): Bench => {
    count += 1;
    const recorder = createRecorder(tools, path);
    const reach = reachOf(tools, path, recorder);
    const provider = tools.providerOver(tools.command, reach, said);
    const client = tools.createClient(reach, { log: silent, installation, settings });
    const place = { directory: join(directory, String(count)), installation, nextId };
    return createBench({ said, provider, values, recorder, client, ...place, nics: written.nics });
  };
  return { open, secrets: values.secrets };
}

/** Most of what a check does is waiting for the driver. */
function atOnceOf({ text }: CommandCall): number {
  const atOnce = Number(text('at-once') ?? '3');
  if (Number.isInteger(atOnce) && atOnce >= 1 && atOnce <= 16) return atOnce;
  throw new Failure('usage', '--at-once takes a number from 1 to 16');
}

function undescribed(failure: Failure, run: Verdict['run']): Verdict {
  const rule = 'describe answers as the protocol says';
  const reason = fullText(failure);
  return { rule, state: 'broken', reason, ...(run === undefined ? {} : { run }) };
}
