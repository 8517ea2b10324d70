import { keepsPromises } from './suite.ts';

keepsPromises('incus');
