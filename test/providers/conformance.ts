import { describe } from 'node:test';
import { actionCases } from './conformance-actions.ts';
import type { SetUp } from './conformance-backend.ts';
import { brokenCases } from './conformance-broken.ts';
import { createCases } from './conformance-create.ts';
import { inventoryCases } from './conformance-inventory.ts';
import { limitCases } from './conformance-limits.ts';
import { ownershipCases } from './conformance-ownership.ts';
import { powerCases } from './conformance-power.ts';
import { reportCases } from './conformance-reports.ts';

/**
 * The promises every provider keeps, as cases against its remote system or a fake of it.
 *
 * Each case sets up a system of its own through `setUp`, so that none depends on another.
 */
export function conformance(name: string, setUp: SetUp): void {
  describe(`${name} keeps the promises of a provider`, () => {
    describe('prepare and create', () => createCases(setUp));
    describe('start, stop, reboot and delete', () => powerCases(setUp));
    describe('reports', () => reportCases(setUp));
    describe('ownership', () => ownershipCases(setUp));
    describe('what an operator asks', () => inventoryCases(setUp));
    describe('custom actions', () => actionCases(setUp));
    describe('requests that break off', () => brokenCases(setUp));
    describe('limits', () => limitCases(setUp));
  });
}
