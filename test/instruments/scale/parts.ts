/** What run.mjs needs of the tests, in one bundle. */

export { type ChaosOptions, type ChaosReport, chaos } from './chaos.ts';
export { type List, lists, openList } from './lists.ts';
export { type Load, loads, measureLoad } from './load.ts';
