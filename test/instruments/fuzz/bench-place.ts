import {
  closeSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { World } from '../../../src/cloudstack/serve.ts';
import type { Registry } from '../../../src/contract/provider.ts';
import { ledger, type Members } from '../../cloudstack/ledger.ts';
import { makePlace, type Place } from '../../support/world.ts';
import { membersOf } from './behaviour.ts';
import type { Example } from './example.ts';
import { secretWord } from './markers.ts';
import type { Outcome } from './verdict.ts';

/** A place that makes very many calls: the log is taken after each, and its file let go. */
export interface Bench {
  readonly place: Place;
  run(example: Example, world?: Partial<World>): Promise<Outcome>;
  remove(): void;
}

export function makeBench(registry?: Registry): Bench {
  // Read by the ledger of the call under way; calls follow each other.
  let current = ledger();
  const place = makePlace(registry ?? { ledger: async () => current.provider }, {
    memo: { seconds: 0 },
  });
  writeFileSync(place.logFile, '');
  const file = join(place.folder, 'payload.json');
  let calls = 0;
  return {
    place,
    async run(example, world = {}) {
      current = listening(membersOf(example.behaviour, () => overheard(example.payload)));
      // Written over, it would be flushed to the disk each time, which takes longer than the call.
      rmSync(file, { force: true });
      writeFileSync(file, example.payload);
      const started = process.hrtime.bigint();
      const call = place.begin([example.action, file, example.timeout], world);
      const { text, exitCode } = await answered(call.result);
      const tookMs = Number(process.hrtime.bigint() - started) / 1e6;
      const log = takeLog(place.logFile);
      calls += 1;
      if (calls % 50 === 0) letGo(place.logFile);
      return { output: text, exitCode, log, entries: current.entries, tookMs };
    },
    remove() {
      letGo(place.logFile);
      place.remove();
    },
  };
}

/** The ledger writes down what it is asked, but for handlers that a test brings along. */
function listening(members: Members): ReturnType<typeof ledger> {
  const noted = Object.entries(members.run ?? {}).map(([member, handler]) => {
    const note = (...given: unknown[]): unknown => {
      made.entries.push({ member, given, settings: {} });
      return (handler as (...all: unknown[]) => unknown)(...given);
    };
    return [member, note] as const;
  });
  const made = ledger({ ...members, run: Object.fromEntries(noted) as never });
  return made;
}

/** A call that never answers would otherwise end the run without a word. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('No answer within 3 s')), 3_000);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** The secrets that a provider really comes to know: its setting and the console's password. */
function overheard(payload: string): readonly string[] {
  try {
    const given = JSON.parse(payload);
    return [
      given.externaldetails?.host?.secret?.trim(),
      given['cloudstack.vm.details']?.vncPassword,
    ]
      .filter((text): text is string => typeof text === 'string')
      .filter((text) => text.includes(secretWord));
  } catch {
    return [];
  }
}

function takeLog(file: string): string {
  const log = readFileSync(file, 'utf8');
  if (log !== '') truncateSync(file);
  return log;
}

/** A process opens its log once and ends; here one process stands for thousands. */
function letGo(file: string): void {
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) === file) closeSync(Number(fd));
    } catch {
      // The one that listed the others is gone by now.
    }
  }
}
