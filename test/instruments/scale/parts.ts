/** The parts of the tests that run.mjs needs, in one bundle. */

export { type ChaosOptions, type ChaosReport, chaos } from './chaos.ts';
export { type List, lists, openList } from './lists.ts';
export { type Load, loads, measureLoad } from './load.ts';
