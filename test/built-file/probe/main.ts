import { writeFileSync } from 'node:fs';
import { run } from '../../../src/entry.ts';
import { probe } from './probe.ts';

/** Set by the guard test: a file that gets the names of all built-in modules that were loaded. */
const file = process.env['PROBE_MODULES_FILE'];
if (file !== undefined) {
  const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] };
  process.on('exit', () => writeFileSync(file, JSON.stringify(moduleLoadList)));
}

run({ probe: async () => probe });
