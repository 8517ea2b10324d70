import { conformance } from '../../conformance/index.ts';
import { simulatorBackend } from './backend.ts';

conformance('simulator', simulatorBackend);
