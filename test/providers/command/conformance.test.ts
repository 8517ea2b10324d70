import { describe, it } from 'node:test';
import { conformance } from '../../conformance/index.ts';
import { commandBackend, pythonMissing } from './backend.ts';

if (pythonMissing !== undefined && process.env['CI'] === undefined) {
  describe('command keeps the promises of a provider', () => {
    it('with a good driver', { skip: pythonMissing });
  });
} else {
  conformance('command', commandBackend);
}
