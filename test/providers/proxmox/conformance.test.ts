import { describe, it } from 'node:test';
import { conformance } from '../../conformance/index.ts';
import { poolOptions, proxmoxBackend } from './backend.ts';

conformance('proxmox', proxmoxBackend());

if (process.env['OUTRIGGER_THOROUGH'] !== undefined) {
  conformance('proxmox 8.4 with rights on one pool', proxmoxBackend(poolOptions));
} else {
  describe('proxmox 8.4 with rights on one pool', () => {
    const skip = 'the same again takes half a minute: set OUTRIGGER_THOROUGH';
    it('keeps the promises of a provider', { skip }, () => {});
  });
}
