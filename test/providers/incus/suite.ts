import { after, describe, it } from 'node:test';
import type { SetUp } from '../../conformance/backend.ts';
import { conformance } from '../../conformance/index.ts';
import { leftOut } from '../../support/thorough.ts';
import type { Place } from '../../support/world.ts';
import { incusBackend } from './backend.ts';
import { type Edition, editions, missingFor } from './daemon.ts';
import { ownCases } from './own-cases.ts';
import { type Server, startServer } from './server.ts';

/** Both servers take minutes for the suite, and answer alike but for what own-cases.ts plays on each. */
const isWhole = (edition: Edition): boolean => edition === 'incus' || leftOut === undefined;

/** Plays on a genuine server of this edition, which the first case starts; skipped where there is none. */
export function onGenuine(
  edition: Edition,
  play: (setUp: SetUp, genuine: () => Promise<Server>) => void,
): void {
  const missing = missingFor(edition);
  if (missing !== undefined && process.env['CI'] === undefined) {
    describe(`incus on a genuine ${editions[edition].title}`, () =>
      it('from deploy to destroy', { skip: missing }));
    return;
  }
  let started: Promise<Server> | undefined;
  const genuine = (): Promise<Server> => {
    started ??= startServer(edition);
    return started;
  };
  play(async (place: Place) => incusBackend(await genuine(), place), genuine);
  after(async () => (await started)?.close());
}

/** The conformance suite and the provider's own cases, on a genuine server of this edition. */
export function keepsPromises(edition: Edition): void {
  const { title } = editions[edition];
  onGenuine(edition, (setUp, genuine) => {
    if (isWhole(edition)) conformance(`incus, on a genuine ${title},`, setUp);
    else {
      describe(`incus, on a genuine ${title}, keeps the promises of a provider`, () =>
        it('from deploy to destroy', { skip: leftOut ?? false }));
    }
    describe(`incus on a genuine ${title}, itself`, () => ownCases(genuine, setUp));
  });
}
