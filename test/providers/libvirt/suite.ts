import { after, describe, it } from 'node:test';
import type { SetUp } from '../../conformance/backend.ts';
import type { Place } from '../../support/world.ts';
import { libvirtBackend } from './backend.ts';
import { libvirtMissing } from './daemon.ts';
import { createHosts, type Hosts } from './hosts.ts';

/** Plays on genuine hosts of libvirtd, which the first cases start; skipped where there can be none. */
export function onGenuine(play: (setUp: SetUp) => void): void {
  const missing = libvirtMissing();
  if (missing !== undefined && process.env['CI'] === undefined) {
    describe('libvirt on a genuine libvirtd', () =>
      it('from deploy to destroy', { skip: missing }));
    return;
  }
  let made: Hosts | undefined;
  const hosts = (): Hosts => {
    made ??= createHosts();
    return made;
  };
  play((place: Place) => libvirtBackend(hosts(), place));
  after(async () => made?.close());
}
