import { networkConformance } from '../../conformance/network/index.ts';
import { simulatorNetworkBackend } from './network-backend.ts';

networkConformance('simulator', simulatorNetworkBackend);
