import { conformance } from '../../conformance/index.ts';
import { poolOptions, proxmoxBackend } from './backend.ts';

// A file of its own: the runner has it at work beside the suite against a newer cluster, and mostly
// both wait.
conformance('proxmox 8.4 with rights on one pool', proxmoxBackend(poolOptions));
