import { conformance } from './conformance.ts';
import { hyperVBackend } from './fakes/hyperv/backend.ts';

conformance('hyperv', () => hyperVBackend());
