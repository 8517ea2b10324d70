import type { SetUp } from '../test/conformance/backend.ts';
import { makePlace } from '../test/support/world.ts';

const handed: SetUp[] = [];

/** Stands in for the suite: runs nothing and keeps what it was to run on. */
export function conformance(_name: string, setUp: SetUp): void {
  handed.push(setUp);
}

/** A test that stands beside the suite is not run either. */
export function it(): void {}
export { it as describe, it as test };

/** Starts the first system, prints how to reach it and takes it down when the process is interrupted. */
export async function serveFake(): Promise<void> {
  const [setUp] = handed;
  if (setUp === undefined) throw new Error('the test hands no system to the suite');
  const place = makePlace({});
  const backend = await setUp(place);
  const provider = await backend.registry[backend.provider]?.();
  const { extension, resourcemap, host } = backend.details();
  const isServer = provider?.settings['tls_fingerprint'] !== undefined;
  const given = { ...extension, ...resourcemap, ...host, ...backend.chosen };
  const details = Object.entries({ provider: backend.provider, ...given });
  const note = `# ${backend.provider} needs no fake: it talks to nobody`;
  const lines = isServer ? details.map(([key, value]) => `${key}=${value}`) : [note];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (isServer) await interrupted();
  await backend.close();
  place.remove();
}

function interrupted(): Promise<unknown> {
  return new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
}
