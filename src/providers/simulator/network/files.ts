import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Failure } from '../../../failure.ts';
import { systemCode } from '../../../kit/system-error.ts';

/** A folder with one file of JSON for each thing that the simulated system keeps beside its machines. */
export interface Files {
  names(): readonly string[];
  /** `undefined` where there is none. */
  read(name: string): unknown;
  /** A reader sees the old content or the new one. */
  write(name: string, content: object): void;
  remove(name: string): void;
}

const namePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

export function openFiles(folder: string): Files {
  const fileOf = (name: string): string => `${folder}/${name}.json`;
  return {
    names: () =>
      attempt(`list ${folder}`, [], () =>
        readdirSync(folder)
          .filter((file) => file.endsWith('.json') && namePattern.test(file.slice(0, -5)))
          .map((file) => file.slice(0, -5)),
      ),
    read: (name) =>
      attempt(`read ${name}`, undefined, () => JSON.parse(readFileSync(fileOf(name), 'utf8'))),
    write: (name, content) =>
      attempt(`write ${name}`, undefined, () => {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const draft = `${folder}/${draftsOf(name)}${Math.random().toString(36).slice(2)}`;
        writeFileSync(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
        renameSync(draft, fileOf(name));
        clearDrafts(folder, name);
      }),
    remove: (name) =>
      attempt(`remove ${name}`, undefined, () => {
        clearDrafts(folder, name);
        rmSync(fileOf(name));
      }),
  };
}

function draftsOf(name: string): string {
  return `.${name}.json.`;
}

/**
 * Removes the drafts of writers that were killed, for they may hold passwords. A writer whose draft goes
 * before it has taken its place was overtaken: this change is the later one of the two.
 */
function clearDrafts(folder: string, name: string): void {
  const drafts = readdirSync(folder).filter((file) => file.startsWith(draftsOf(name)));
  for (const draft of drafts) rmSync(`${folder}/${draft}`, { force: true });
}

/** The value for a missing file or folder, or what the work comes to. */
function attempt<T, M>(what: string, missing: M, work: () => T): T | M {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new Failure('upstream', `Could not ${what}: the file is damaged`, { cause: error });
    }
    const code = systemCode(error);
    if (code === 'ENOENT') return missing;
    throw new Failure('upstream', `Could not ${what}: ${code}`, { cause: error });
  }
}
