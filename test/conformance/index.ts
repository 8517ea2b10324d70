import { describe } from 'node:test';
import { actionCases } from './actions.ts';
import type { SetUp } from './backend.ts';
import { brokenCases } from './broken.ts';
import { createCases } from './create.ts';
import { diskCases } from './disks.ts';
import { inventoryCases } from './inventory.ts';
import { limitCases } from './limits.ts';
import { ownershipCases } from './ownership.ts';
import { powerCases } from './power.ts';
import { reportCases } from './reports.ts';

/**
 * The promises every provider keeps, as cases against its remote system or a fake of it.
 *
 * Each case sets up a system of its own through `setUp`, so that none depends on another.
 */
export function conformance(
  name: string,
  setUp: SetUp,
  /** Why the long tables of requests that break off are not played now. */
  { skipBreaks }: { readonly skipBreaks?: string | undefined } = {},
): void {
  describe(`${name} keeps the promises of a provider`, () => {
    describe('prepare and create', () => createCases(setUp));
    describe('start, stop, reboot and delete', () => powerCases(setUp));
    describe('reports', () => reportCases(setUp));
    describe('ownership', () => ownershipCases(setUp));
    describe('what an operator asks', () => inventoryCases(setUp));
    describe('custom actions', () => actionCases(setUp));
    describe('data disks', () => diskCases(setUp, skipBreaks));
    describe('requests that break off', { skip: skipBreaks ?? false }, () => brokenCases(setUp));
    describe('limits', () => limitCases(setUp));
  });
}
