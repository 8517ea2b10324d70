import { resolve } from 'node:path';
import { Failure, fullText } from '../../failure.ts';
import { deadlineIn } from '../../kit/deadline.ts';
import { silent } from '../../kit/log.ts';
import { createRedactor } from '../../kit/redact.ts';
import { type DriverTools, driverTools } from '../../providers/index.ts';
import type { CommandCall } from '../command.ts';
import { paintFor, visibleLines } from '../terminal.ts';
import { howItEnded } from './check/report.ts';
import { unknownPrimitive } from './schema.ts';
import { readJson, readWritten, type Values, valuesFor } from './settings-file.ts';

type Name = Parameters<DriverTools['readAnswer']>[0];

/** `outrigger driver run PATH PRIMITIVE`: one primitive, with its request and answer to read. */
export async function run(call: CommandCall): Promise<number> {
  const [, given, word = ''] = call.positionals;
  if (given === undefined || word === '') {
    throw new Failure('usage', 'Give the path of the driver and the primitive');
  }
  const tools = await driverTools();
  const name = nameOf(tools, word);
  const values = name === 'describe' ? undefined : await valuesOf(tools, resolve(given), call);
  const request = { ...requestFor(tools, name, call, values), ...inputOf(call) };
  const start = { path: resolve(given), word: name, input: `${JSON.stringify(request)}\n` };
  const ended = await tools.runProcess({ ...start, environment: {}, deadline: deadlineIn(120) });
  const trouble = troubleWith(tools, name, ended, start.path);
  print(call, { request, ended, trouble, secrets: values?.secrets ?? [] });
  return trouble === undefined ? 0 : 1;
}

function nameOf({ primitives }: DriverTools, word: string): Name {
  const names = Object.keys(primitives) as Name[];
  const name = names.find((each) => each === word);
  if (name === undefined) throw unknownPrimitive(word, names);
  return name;
}

async function valuesOf(tools: DriverTools, path: string, call: CommandCall): Promise<Values> {
  const reach = { driver: 'driver', executable: () => tools.executableAt(path), environment: {} };
  const stateDirectory = (): string => {
    throw new Failure('config', 'A command of an operator keeps no notes');
  };
  const asking = { deadline: deadlineIn(20), log: silent, stateDirectory };
  const said = await tools.askDriver(reach, asking);
  const provider = tools.providerOver(tools.command, reach, said);
  const values = valuesFor(provider, readWritten(call), call.world);
  const own = Object.keys(said.settings ?? {}).map((key) => [key, values.settings[key]]);
  return { ...values, settings: Object.fromEntries(own) };
}

/** An instance and a machine of an author's trial; `--input` replaces any member. */
function requestFor(
  { protocolVersion, primitives }: DriverTools,
  name: Name,
  { text }: CommandCall,
  values: Values | undefined,
): Readonly<Record<string, unknown>> {
  const id = text('id') ?? 'i-2-42-VM';
  const samples: Readonly<Record<string, unknown>> = {
    ...{
      detail: 'own',
      id,
      name: id,
      mark: 'a mark',
      expected: null,
      purpose: 'use',
      waitMs: 5000,
    },
    machine: { id, name: id, mark: null, state: 'unknown' },
    instance: {
      ...{ uuid: '8f4e2a6c-0e57-4a8b-a8d5-00000000002a', name: 'i-2-42-VM', cpus: 1 },
      ...{ memoryBytes: 268_435_456, nics: [sampleNic] },
    },
    ...{ blueprint: values?.blueprint ?? {}, snapshot: { name: 'before-upgrade', memory: false } },
    ...{ action: '', parameters: {} },
  };
  const members = Object.keys(primitives[name].request()).map((key) => [key, samples[key]]);
  const begin = { protocol: protocolVersion, deadlineMs: 120_000 };
  const site = { installation: 'trial', settings: values?.settings ?? {} };
  return { ...begin, ...(name === 'describe' ? {} : site), ...Object.fromEntries(members) };
}

const sampleNic = {
  ...{ deviceId: 0, uuid: '0b6a2f0e-9a54-4d4e-8df2-00000000002a', mac: '02:01:00:cd:00:2a' },
  ...{ isDefault: true, segment: 'untagged', network: {} },
};

function inputOf({ text }: CommandCall): object {
  const file = text('input');
  const json = file === undefined ? {} : readJson(file);
  if (typeof json === 'object' && json !== null) return json;
  throw new Failure('usage', `${file} has to hold a JSON object`);
}

function troubleWith(
  tools: DriverTools,
  name: Name,
  ended: Parameters<DriverTools['withoutAnswer']>[1],
  path: string,
): string | undefined {
  try {
    if (ended.how === 'deadline') return 'The driver was killed at its deadline';
    const failure = tools.withoutAnswer(`Could not run ${name}`, ended, path);
    if (failure !== undefined) throw failure;
    tools.readAnswer(name, `Could not run ${name}`, ended);
    return undefined;
  } catch (thrown) {
    return fullText(Failure.from(thrown));
  }
}

interface Shown {
  readonly request: object;
  readonly ended: Parameters<DriverTools['withoutAnswer']>[1];
  readonly trouble: string | undefined;
  readonly secrets: readonly string[];
}

function print({ json, world }: CommandCall, { request, ended, trouble, secrets }: Shown): void {
  const redactor = createRedactor(secrets);
  const out = (text: string): void => {
    for (const line of visibleLines(redactor.text(text))) world.out(line);
  };
  const answer = ended.stdout.toString('utf8').trim();
  const errors = ended.stderr.toString('utf8').trim();
  if (json) {
    out(JSON.stringify({ request, answer, errors, trouble }, undefined, 2));
    return;
  }
  const paint = paintFor(world);
  out(paint.dim(`request: ${JSON.stringify(request)}`));
  if (errors !== '') out(`standard error: ${errors}`);
  out(`answer (${howItEnded(ended)}): ${pretty(answer)}`);
  out(trouble === undefined ? paint.green('This is as the protocol says.') : paint.red(trouble));
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
