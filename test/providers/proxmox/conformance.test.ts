import { conformance } from '../../conformance/index.ts';
import { proxmoxBackend } from './backend.ts';

conformance('proxmox', proxmoxBackend());
