/*
 * The procedures of libvirt's remote protocol that are used here, by their numbers. They are the same in
 * every release since the one that brought the procedure; 358 is the youngest (1.2.19).
 */

/** Those that change nothing: they may be asked again when the answer got lost. */
export const reading = {
  open: 1,
  version: 4,
  domainXml: 14,
  domainByName: 23,
  domainByUuid: 24,
  hostname: 59,
  supportsFeature: 60,
  authList: 66,
  poolRefresh: 83,
  poolByName: 84,
  poolInfo: 87,
  poolXml: 88,
  volumeByName: 95,
  volumeByPath: 97,
  volumeInfo: 98,
  volumeXml: 99,
  libraryVersion: 157,
  managedSave: 183,
  snapshotXml: 186,
  domainState: 212,
  memoryStats: 228,
  getMetadata: 265,
  allDomains: 273,
  allSnapshots: 274,
  allPools: 281,
  allVolumes: 282,
  allNetworks: 283,
  domainCapabilities: 342,
  allStats: 344,
  interfaceAddresses: 353,
} as const;

export const changing = {
  resume: 28,
  suspend: 34,
  createVolume: 93,
  deleteVolume: 94,
  copyVolume: 125,
  attachDevice: 160,
  detachDevice: 161,
  updateDevice: 174,
  createSnapshot: 185,
  revertSnapshot: 192,
  deleteSnapshot: 193,
  start: 196,
  uploadVolume: 208,
  undefine: 231,
  destroy: 234,
  reset: 245,
  resizeBlock: 251,
  shutdown: 258,
  resizeVolume: 260,
  setMetadata: 264,
  wakeUp: 267,
  define: 350,
  rename: 358,
} as const;

export type Reading = keyof typeof reading;
export type Changing = keyof typeof changing;
export type Procedure = Reading | Changing;

export function numberOf(procedure: Procedure): number {
  return { ...reading, ...changing }[procedure];
}

export function isReading(procedure: Procedure): procedure is Reading {
  return procedure in reading;
}
