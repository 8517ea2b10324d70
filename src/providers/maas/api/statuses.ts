/** The numbers MAAS gives to what a machine is doing; its words for them vary, the numbers do not. */
export const status = {
  ready: 4,
  deployed: 6,
  broken: 8,
  deploying: 9,
  allocated: 10,
  failedDeployment: 11,
  releasing: 12,
  failedReleasing: 13,
  erasing: 14,
  failedErasing: 15,
} as const;

/** The filter words for every status in which a machine can belong to a user. */
export const ownedLabels: readonly string[] = [
  'reserved',
  'deployed',
  'broken',
  'deploying',
  'allocated',
  'failed_deployment',
  'releasing',
  'failed_releasing',
  'disk_erasing',
  'failed_disk_erasing',
  'rescue_mode',
  'entering_rescue_mode',
  'failed_entering_rescue_mode',
  'exiting_rescue_mode',
  'failed_exiting_rescue_mode',
  'testing',
  'failed_testing',
];

/** Belongs to no user: new, in or before commissioning, ready, missing, retired. */
const unowned: readonly number[] = [0, 1, 2, 3, 4, 7];

export function isOwned(number: number): boolean {
  return !unowned.includes(number);
}

/** On its way back to the pool: nothing of the instance is left to save. */
export function isLeaving(number: number): boolean {
  return number === status.releasing || number === status.erasing;
}

/** Was released, but MAAS could not switch it off or erase it. */
export function isStuck(number: number): boolean {
  return number === status.failedReleasing || number === status.failedErasing;
}
