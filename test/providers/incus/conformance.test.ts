import { after, describe, it } from 'node:test';
import { conformance } from '../../conformance/index.ts';
import type { Place } from '../../support/world.ts';
import { incusBackend } from './backend.ts';
import { type Lxd, lxdMissing, startLxd } from './lxd.ts';
import { ownCases } from './own-cases.ts';

const missing = lxdMissing();

if (missing !== undefined && process.env['CI'] === undefined) {
  describe('incus keeps the promises of a provider', () =>
    it('on a genuine LXD', { skip: missing }));
} else {
  let started: Promise<Lxd> | undefined;
  const lxd = (): Promise<Lxd> => {
    started ??= startLxd();
    return started;
  };
  const setUp = async (place: Place) => incusBackend(await lxd(), place);
  conformance('incus', setUp);
  describe('incus on a genuine LXD', () => ownCases(lxd, setUp));
  after(async () => (await started)?.close());
}
