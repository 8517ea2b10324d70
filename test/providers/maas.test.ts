import { conformance } from './conformance.ts';
import { maasBackend } from './maas-backend.ts';

conformance('MAAS', () => maasBackend());
