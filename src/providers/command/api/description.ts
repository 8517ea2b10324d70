import * as v from 'valibot';
import type { Site } from '../../../contract/provider.ts';
import { parseJson } from '../../../kit/json.ts';
import { readNote, writeNote } from '../../../kit/note-file.ts';
import { type Description, description } from '../protocol/description.ts';
import { protocolVersion } from '../protocol/values.ts';
import { createClient, type Reach } from './client.ts';
import { withNote } from './notes.ts';

/** The site as far as a driver is asked for its description. */
export type Asking = Pick<Site, 'deadline' | 'log' | 'stateDirectory'>;

/**
 * The driver's words about itself. It is asked when its file has changed since the note of it that an
 * earlier call has left: CloudStack starts a process for every call, and most of them need no second one.
 */
export async function describeDriver(reach: Reach, asking: Asking): Promise<Description> {
  const { version } = reach.executable();
  const note = noteFor(reach.driver, asking);
  const known = note === undefined ? undefined : readKnown(note, version, asking);
  if (known !== undefined) return known;
  const fresh = await askDriver(reach, asking);
  if (note !== undefined) keep(note, version, fresh, asking);
  return fresh;
}

export function askDriver(reach: Reach, { deadline, log }: Asking): Promise<Description> {
  const client = createClient(reach, { log, installation: '', settings: {} });
  return client.ask('describe', {}, { what: 'describe itself', deadline });
}

/** Without a place for notes every call asks. */
function noteFor(driver: string, { stateDirectory, log }: Asking): string | undefined {
  return withNote(log, () => `${stateDirectory('command')}/describe.${driver}.json`);
}

function readKnown(note: string, version: string, { log }: Asking): Description | undefined {
  const said = parseJson(withNote(log, () => readNote(note, 0)?.text) ?? '');
  const schema = v.object({
    protocol: v.literal(protocolVersion),
    version: v.literal(version),
    description: v.strictObject(description()),
  });
  const result = v.safeParse(schema, said);
  return result.success ? result.output.description : undefined;
}

function keep(note: string, version: string, said: Description, { log }: Asking): void {
  const text = JSON.stringify({ protocol: protocolVersion, version, description: said });
  withNote(log, () => writeNote(note, text));
}
