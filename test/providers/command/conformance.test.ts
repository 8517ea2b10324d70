import { describe, it } from 'node:test';
import { conformance } from '../../conformance/index.ts';
import { commandBackend, pythonMissing } from './backend.ts';

if (pythonMissing !== undefined && process.env['CI'] === undefined) {
  describe('command keeps the promises of a provider', () => {
    it('with a good driver', { skip: pythonMissing });
  });
} else {
  // Some fifty lives with a process for each primitive; wrong-drivers.test.ts breaks off single ones.
  const skipBreaks =
    process.env['OUTRIGGER_THOROUGH'] === undefined
      ? 'takes minutes: set OUTRIGGER_THOROUGH=1'
      : undefined;
  conformance('command', commandBackend, { skipBreaks });
}
