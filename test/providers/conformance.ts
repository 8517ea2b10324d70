import { describe } from 'node:test';
import { actionCases } from './conformance-actions.ts';
import type { SetUp } from './conformance-backend.ts';
import { lifecycleCases } from './conformance-lifecycle.ts';
import { limitCases } from './conformance-limits.ts';
import { ownershipCases } from './conformance-ownership.ts';
import { reportCases } from './conformance-reports.ts';

/**
 * The promises every provider keeps, as cases against its remote system or a fake of it.
 *
 * Each case sets up a system of its own through `setUp`, so that none depends on another.
 */
export function conformance(name: string, setUp: SetUp): void {
  describe(`${name} keeps the promises of a provider`, () => {
    describe('life cycle', () => lifecycleCases(setUp));
    describe('reports', () => reportCases(setUp));
    describe('ownership', () => ownershipCases(setUp));
    describe('custom actions', () => actionCases(setUp));
    describe('limits', () => limitCases(setUp));
  });
}
