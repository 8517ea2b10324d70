import { conformance } from './conformance.ts';
import { simulatorBackend } from './simulator-backend.ts';

conformance('simulator', simulatorBackend);
