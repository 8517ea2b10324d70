import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, serve, type World } from '../../src/cloudstack/serve.ts';
import type { Registry } from '../../src/contract/provider.ts';
import { verbsOrStandIn } from './stand-in.ts';

/** A machine of its own for one test: configuration, log, memo, home and payloads in one folder. */
export interface Place {
  readonly folder: string;
  readonly logFile: string;
  /** The lines of the log, parsed; none while there is no log. */
  log(): readonly Readonly<Record<string, unknown>>[];
  /** Writes a payload where the test likes, by default as `payload.json`; answers its path. */
  payload(content: unknown, name?: string): string;
  begin(argv: readonly string[], more?: Partial<World>): Call;
  call(action: string, payload: unknown, more?: CallOptions): Promise<Done>;
  remove(): void;
}

export interface CallOptions extends Partial<World> {
  readonly timeoutSeconds?: number | string;
  readonly file?: string;
}

export interface Done {
  readonly exitCode: number;
  readonly text: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** Makes the place; `config` is added to what keeps everything inside the folder. */
export function makePlace(
  registry: Registry,
  config: Readonly<Record<string, unknown>> = {},
): Place {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-test-'));
  mkdirSync(join(folder, 'log'));
  mkdirSync(join(folder, 'home'));
  const logFile = join(folder, 'log/outrigger.log');
  const configFile = join(folder, 'config.json');
  const inside = {
    log: { file: logFile, level: 'debug' },
    secrets_directory: join(folder, 'secrets'),
  };
  writeFileSync(configFile, JSON.stringify({ ...inside, ...config }));
  let calls = 0;
  const place: Place = {
    folder,
    logFile,
    log: () =>
      statSync(logFile, { throwIfNoEntry: false }) === undefined
        ? []
        : readFileSync(logFile, 'utf8')
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line)),
    payload(content, name = 'payload.json') {
      const file = join(folder, name);
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
      return file;
    },
    begin(argv, more = {}) {
      const started = process.hrtime.bigint();
      calls += 1;
      const number = calls;
      return serve({
        argv,
        startedAs: 'outrigger',
        registry,
        verbs: async () => verbsOrStandIn,
        clock: () => Number(process.hrtime.bigint() - started) / 1e6,
        time: () => new Date(),
        pid: process.pid,
        uid: process.getuid?.() ?? 0,
        mayCreate: true,
        hostname: () => 'ms1',
        home: join(folder, 'home'),
        configFile,
        // One after the other: a drawn reference now and then holds what a text must not.
        random: () => (number + 0.5) / 36 ** 6,
        ...more,
      });
    },
    async call(action, payload, { timeoutSeconds = 30, file, ...more } = {}) {
      const path = file ?? place.payload(payload);
      return finish(place.begin([action, path, String(timeoutSeconds)], more));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  return place;
}

export async function finish(call: Call): Promise<Done> {
  const { exitCode, text } = await call.result;
  return { exitCode, text, document: JSON.parse(text) };
}
