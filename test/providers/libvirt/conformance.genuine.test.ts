import { describe } from 'node:test';
import { conformance } from '../../conformance/index.ts';
import { leftOut } from '../../support/thorough.ts';
import { guestCases } from './guest-cases.ts';
import { ownCases } from './own-cases.ts';
import { onGenuine } from './suite.ts';

onGenuine((setUp) => {
  // Some fifty lives of guests that QEMU emulates, which takes minutes; own-cases.ts kills a create anywhere.
  conformance('libvirt', setUp, { skipBreaks: leftOut });
  describe('libvirt on a genuine libvirtd', () => {
    ownCases(setUp);
    guestCases(setUp);
  });
});
