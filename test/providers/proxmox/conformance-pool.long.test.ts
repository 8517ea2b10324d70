import { conformance } from '../../conformance/index.ts';
import { poolOptions, proxmoxBackend } from './backend.ts';

// npm test plays the suite against a newer cluster with all rights; the rules are the same ones here.
conformance('proxmox 8.4 with rights on one pool', proxmoxBackend(poolOptions));
