/** What run.mjs needs of the tests, in one bundle. */

export { type List, lists, openList } from './lists.ts';
export { type Load, loads, measureLoad } from './load.ts';
export { type StormOptions, type StormReport, storm } from './storm.ts';
