import { keepsPromises } from './suite.ts';

keepsPromises('lxd');
