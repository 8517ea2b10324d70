import { networkConformance } from '../../../conformance/network/index.ts';
import { proxmoxNetworkBackend } from './backend.ts';

networkConformance('proxmox 9', () => proxmoxNetworkBackend('9.1'));
