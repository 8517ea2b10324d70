import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchTraffic } from './traffic.ts';

/** The most that a step may cost; a ratio is one to `node -e 0`. */
export interface Bar {
  readonly cpuRatio?: number;
  /** Instructions, as a multiple of `node -e 0`. */
  readonly instructions?: number;
  /** Instructions, as a multiple of the stage's `reference`. */
  readonly instructionsOfReference?: number;
  readonly wallMs?: number;
  readonly megabytes?: number;
  readonly requests?: number;
  readonly connections?: number;
  /** Bytes of the answer. */
  readonly answer?: number;
  /** What `starts` of the stage counts. */
  readonly starts?: number;
}

/** Which file is started: the built one, the one with the probe, or one of two that do nothing. */
export type Program = 'outrigger' | 'probe' | 'empty' | 'idle' | { readonly script: string };

export interface Step {
  readonly name: string;
  readonly action: string;
  /** `outrigger` unless said otherwise. */
  readonly program?: Program;
  /** How often it is measured in each round; once unless said otherwise. */
  readonly times?: number;
  readonly bar?: Bar;
  /** Where instructions are counted: the call runs once, only for what the next ones need. */
  readonly preparation?: boolean;
  /** Where instructions are counted: the call that others are compared with. */
  readonly reference?: boolean;
  /** The exit code that a right answer has; 0 unless said otherwise. */
  readonly exit?: number;
  /** What the configuration says besides the place of the log. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Made right before each call. */
  payload?(): unknown;
  /** Is told the answer. */
  learn?(document: Readonly<Record<string, unknown>>): void;
}

/** The other side of the calls: fakes, and the steps of one round in their order. */
export interface Stage {
  readonly steps: readonly Step[];
  /** Counts whatever else is to be counted, since the stage began. */
  starts?(): number;
  close(): Promise<void>;
}

interface Order {
  readonly step: number;
  /** What the call printed; before the call there is none. */
  readonly output?: string;
}

/**
 * Serves one stage in a process of its own, so that the fakes do not count: announces the steps to
 * the parent, and then, step by step, writes the payload and counts what the call did.
 */
export function serveStage(open: (folder: string) => Promise<Stage>): void {
  const folder = process.argv[2] ?? '';
  const traffic = watchTraffic();
  open(folder).then(
    (stage) => {
      const count = (): Count => ({ ...traffic(), starts: stage.starts?.() ?? 0 });
      let before = count();
      process.on('message', (message) => {
        const { step, output } = message as Order;
        const asked = stage.steps[step] as Step;
        if (output === undefined) {
          const files = writeFiles(folder, asked);
          before = count();
          tell(files);
        } else {
          tell(since(before, count()));
          if (asked.learn !== undefined && output !== '') asked.learn(JSON.parse(output));
        }
      });
      process.on('disconnect', () => stage.close().finally(() => process.exit()));
      tell({ steps: stage.steps });
    },
    (error: unknown) => {
      process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`);
      process.exit(1);
    },
  );
}

interface Count {
  readonly requests: number;
  readonly connections: number;
  readonly bytes: number;
  readonly starts: number;
}

function since(before: Count, now: Count): Readonly<Record<string, number>> {
  return {
    requests: now.requests - before.requests,
    connections: now.connections - before.connections,
    traffic: now.bytes - before.bytes,
    starts: now.starts - before.starts,
  };
}

function writeFiles(folder: string, { payload, config }: Step): Readonly<Record<string, string>> {
  const logFile = join(folder, 'outrigger.log');
  const files = { config: join(folder, 'config.json'), payload: join(folder, 'payload.json') };
  mkdirSync(join(folder, 'home'), { recursive: true });
  // It is there on a server, and root makes none.
  writeFileSync(logFile, '', { flag: 'a' });
  writeFileSync(files.config, JSON.stringify({ log: { file: logFile }, ...config }));
  writeFileSync(files.payload, JSON.stringify(payload?.() ?? {}));
  return files;
}

function tell(message: Readonly<Record<string, unknown>>): void {
  process.send?.(message);
}
