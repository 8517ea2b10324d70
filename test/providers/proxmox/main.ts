import { run } from '../../../src/entry.ts';
import { proxmox } from '../../../src/providers/proxmox/index.ts';

/** The file as it is shipped, with this provider alone. */
run({ proxmox: async () => proxmox });
