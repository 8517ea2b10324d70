/** What run.mjs needs of the tests, in one bundle. */
export { type Crowd, crowds, gatherCrowd } from './crowd.ts';
export { type List, lists, openList } from './lists.ts';
export { type StormOptions, type StormReport, storm } from './storm.ts';
