import { after, describe, it } from 'node:test';
import { conformance } from '../../conformance/index.ts';
import { leftOut } from '../../support/thorough.ts';
import type { Place } from '../../support/world.ts';
import { libvirtBackend } from './backend.ts';
import { libvirtMissing } from './daemon.ts';
import { createHosts, type Hosts } from './hosts.ts';
import { ownCases } from './own-cases.ts';

const missing = libvirtMissing();

if (missing !== undefined && process.env['CI'] === undefined) {
  describe('libvirt keeps the promises of a provider', () =>
    it('on a genuine libvirtd', { skip: missing }));
} else {
  let made: Hosts | undefined;
  const hosts = (): Hosts => {
    made ??= createHosts();
    return made;
  };
  const setUp = (place: Place) => libvirtBackend(hosts(), place);
  // Some fifty lives of guests that QEMU emulates, which takes minutes; own-cases.ts kills a create anywhere.
  conformance('libvirt', setUp, { skipBreaks: leftOut });
  describe('libvirt on a genuine libvirtd', () => ownCases(setUp));
  after(async () => made?.close());
}
