import { conformance } from '../../conformance/index.ts';
import { hyperVBackend } from './backend.ts';

conformance('hyperv', () => hyperVBackend());
