import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { readProc } from './survivors.ts';
import type { Exposure, Secret } from './transcript.ts';

/** Watches the processes of one call for secrets among their arguments. */
export interface ArgumentsWatch {
  /** The process of the call; its descendants are found from there. */
  follow(pid: number): void;
  /** Ends the watch; undefined where processes cannot be watched. */
  end(): readonly Exposure[] | undefined;
}

const everyMs = 10;

/** A program that lives for less than a few milliseconds may be missed. */
export function watchArguments(secrets: readonly Secret[]): ArgumentsWatch {
  const found = new Map<string, Exposure>();
  let timer: NodeJS.Timeout | undefined;
  let seen = false;
  const look = (pid: number): void => {
    for (const each of [pid, ...descendants(pid)]) {
      const words = readProc(each, 'cmdline').split('\0');
      seen ||= words.length > 1;
      for (const exposure of exposures(words, secrets))
        found.set(`${exposure.program} ${exposure.where}`, exposure);
    }
  };
  return {
    follow(pid) {
      look(pid);
      timer = setInterval(look, everyMs, pid);
    },
    end() {
      clearInterval(timer);
      return seen ? [...found.values()] : undefined;
    },
  };
}

function exposures(words: readonly string[], secrets: readonly Secret[]): Exposure[] {
  const line = words.join(' ');
  const program = programOf(words);
  return secrets
    .filter(({ value }) => line.includes(value))
    .map(({ where }) => ({ program, where }));
}

const interpreter = /^(node|python[\d.]*|perl|ruby|(ba|da|z)?sh)$/;

/** An interpreter is named by its script, also while env still looks for the interpreter. */
function programOf(words: readonly string[]): string {
  const [first = '', second = '', ...rest] = words;
  const program = basename(first);
  if (program === 'env') return programOf([second, ...rest]);
  return interpreter.test(program) && second.startsWith('/') ? basename(second) : program;
}

function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) =>
    readProc(pid, `task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    // The process ended meanwhile.
    return [];
  }
}
