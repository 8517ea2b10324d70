/*
 * What the other extensions cost: measured once, on another day and on a machine like this one,
 * against fakes that answered at once. Per action: requests, connections, and milliseconds of CPU.
 */

/** What `node -e 0` took on that day. */
export const floorCpuMs = 26;

/** By our provider, by the name of theirs, by action. */
export const peers = {
  proxmox: {
    'built-in of 4.21 (bash)': {
      prepare: [1, 1, 96],
      create: [7, 7, 455],
      status: [1, 1, 97],
      start: [2, 2, 186],
      stop: [3, 3, 219],
      reboot: [2, 2, 181],
      delete: [3, 3, 214],
      ListSnapshots: [1, 1, 91],
      CreateSnapshot: [2, 2, 180],
      RestoreSnapshot: [5, 5, 336],
      DeleteSnapshot: [2, 2, 177],
    },
    'built-in of main (Python)': {
      prepare: [1, 1, 89],
      create: [7, 7, 86],
      status: [1, 1, 88],
      statuses: [1, 1, 85],
      getconsole: [2, 2, 93],
      start: [2, 2, 86],
      stop: [3, 3, 83],
      reboot: [2, 2, 80],
      delete: [3, 3, 78],
      ListSnapshots: [1, 1, 72],
      CreateSnapshot: [2, 2, 81],
      RestoreSnapshot: [5, 5, 86],
      DeleteSnapshot: [2, 2, 82],
    },
    'ngine 0.2.0 (Python)': {
      prepare: [1, 1, 84],
      create: [7, 7, 78],
      status: [1, 1, 82],
      statuses: [1, 1, 80],
      getconsole: [2, 2, 88],
      start: [2, 2, 81],
      stop: [3, 3, 77],
      reboot: [2, 2, 76],
      delete: [3, 3, 73],
      ListSnapshots: [1, 1, 71],
      CreateSnapshot: [2, 2, 78],
      RestoreSnapshot: [5, 5, 81],
      DeleteSnapshot: [2, 2, 75],
    },
  },
  hyperv: {
    'built-in (Python)': {
      create: [42, 1, 230],
      status: [7, 1, 233],
      start: [7, 1, 217],
      stop: [7, 1, 206],
      reboot: [7, 1, 208],
      delete: [7, 1, 201],
      ListSnapshots: [7, 1, 197],
      CreateSnapshot: [7, 1, 208],
      RestoreSnapshot: [7, 1, 210],
      DeleteSnapshot: [7, 1, 207],
    },
  },
  maas: {
    'built-in (Python)': {
      prepare: [1, 1, 146],
      create: [1, 1, 126],
      status: [1, 1, 148],
      start: [1, 1, 131],
      stop: [1, 1, 130],
      reboot: [2, 1, 132],
      delete: [1, 1, 125],
    },
  },
};
